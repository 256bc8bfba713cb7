import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { onTestFinished, vi } from "vitest";

export interface Wait {
  readonly ms: number;
  /** Ends it before its time. */
  readonly signal: AbortSignal | undefined;
}

/** Until the test is over nothing waits: what is shorter than `forEver` milliseconds is over at once, and the rest never. */
export function waits(forEver = Infinity): readonly Wait[] {
  const all: Wait[] = [];
  const spy = vi.spyOn(timers, "setTimeout").mockImplementation((ms = 0, value, options) => {
    all.push({ ms, signal: options?.signal });
    return ms >= forEver ? new Promise(() => undefined) : Promise.resolve(value as never);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return all;
}
