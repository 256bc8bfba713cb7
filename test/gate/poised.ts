import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { run, until, type Ran } from "./place.ts";

/** A process that is about to start a program, and does so when it is told: nothing else is in the way by then. */
export interface Poised {
  readonly pid: number;
  /** What came of it, and on the monotonic clock when. */
  readonly ended: Promise<{ readonly ran: Ran; readonly at: number }>;
  /** Tells it to; resolves when it waits in execve(2), or has done with it. */
  go(): Promise<void>;
  kill(): void;
}

/** execve and execveat of asm/unistd_64.h and asm-generic/unistd.h, as proc_pid_syscall(5) writes them. */
const executing = process.arch === "x64" ? /^(?:59|322) / : /^(?:221|281) /;

/** Resolves when the shell stands before its exec. `agent` is whose child it is: the test's own where nothing else is said. */
export async function poised(path: string): Promise<Poised> {
  const child = spawn("/bin/sh", ["-c", 'echo; read -r go; exec "$0" 2>/dev/null', path], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const { pid = 0, stdin, stdout } = child;
  stdin.on("error", () => undefined);
  const ended = once(child, "exit").then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
    const ran: Ran = code === 126 ? "denied" : typeof code === "number" ? code : (signal as NodeJS.Signals);
    return { ran, at: performance.now() };
  });
  let over = false;
  void ended.then(() => (over = true));
  await once(stdout, "data");
  return {
    pid,
    ended,
    go: () => {
      stdin.end("\n");
      return until(() => over || isExecuting(pid, path));
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Those that stand before their exec, all together. */
export function allPoised(paths: readonly string[]): Promise<readonly Poised[]> {
  return Promise.all(paths.map(poised));
}

/** What a person may wait for a program when the gate fails, in milliseconds (the job's own figure). */
const machineGoesOn = 1_000;
/**
 * What came of each, and whether the last of them went on in time. A machine that is so busy that a program which nobody is asked
 * about takes a while has a few such whiles more, but not until a large file's own time is over.
 */
export async function allEnded(waiting: readonly Poised[], began: number) {
  const over = new AbortController();
  const worst = longestOther(over.signal);
  const ended = await Promise.all(waiting.map((one) => one.ended));
  over.abort();
  const limit = Math.min(machineGoesOn + 4 * (await worst), 1.8 * machineGoesOn);
  const longest = Math.max(...ended.map(({ at }) => at)) - began;
  return { ran: [...new Set(ended.map(({ ran }) => ran))], inTime: longest < limit || longest };
}

async function longestOther(signal: AbortSignal): Promise<number> {
  let longest = 0;
  while (!signal.aborted) {
    const from = performance.now();
    await run("/bin/true");
    longest = Math.max(longest, performance.now() - from);
  }
  return longest;
}

/** Whether it waits in execve(2), or has begun that program. */
function isExecuting(pid: number, path: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0", 1)[0];
    return command === path || executing.test(readFileSync(`/proc/${pid}/syscall`, "latin1"));
  } catch {
    return true; // it has ended
  }
}
