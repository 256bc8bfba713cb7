import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** As high as fapolicyd's. */
const first = -14;

/**
 * Lets this process go before ordinary programs: what others wait for, or what has to be seen before it is gone, cannot wait
 * for its turn among hundreds of runnable processes. setpriority(2) is about threads, and those of Node's pool, which wait
 * for events and read files, have begun by now. Without CAP_SYS_NICE or the unit's
 * LimitNICE, or elsewhere than on Linux, all stays as it was.
 */
export function goFirst(): void {
  try {
    for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), first);
  } catch {
    // slower under load, and no less right
  }
}

/** Starts a program at everybody's pace, though we may go first ourselves: a child has the priority of the thread that forks. */
export function atEverybodysPace<T>(start: () => T): T {
  const ours = getPriority();
  if (ours >= 0) return start();
  setPriority(0);
  try {
    return start();
  } finally {
    try {
      setPriority(ours);
    } catch {
      // the right to go first was taken away meanwhile
    }
  }
}
