import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { cpuSeconds, memory } from "../shipped.ts";
import type { Condition } from "./conditions.ts";
import { person } from "./place.ts";

/** A line of trees.c, and what the watcher had used by then; none has used nothing. */
export interface Sample {
  readonly seconds: number;
  readonly allowed: number;
  readonly denied: number;
  readonly wrong: number;
  readonly running: number;
  /** Seconds. */
  readonly cpu: number;
  /** Private_Dirty, MB of 1,000,000 bytes. */
  readonly memory: number;
}

const [workers, leaves] = [32, 8];

/**
 * Process trees at full speed; where nobody denies, the banned program is wrong each time, and that is no news.
 * @param trees the compiled trees.c
 * @returns a sample a second; the last is of the end
 */
export async function storm(trees: string, { place, watcher }: Condition, seconds: number): Promise<readonly Sample[]> {
  const own = place.own("small");
  const words = [workers, leaves, seconds, person, place.root, place.system, own, place.banned].map(String);
  const [command = trees, ...args] = [...(watcher?.inside ?? []), trees, ...words];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const samples: Sample[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [ms = Number.NaN, allowed = 0, denied = 0, wrong = 0, running = 0] = line
      .replace("end ", "")
      .split(" ")
      .map(Number);
    const used =
      watcher === undefined
        ? { cpu: 0, memory: 0 }
        : { cpu: cpuSeconds(watcher.pid), memory: memory(watcher.pid).privateDirty };
    samples.push({ seconds: ms / 1000, allowed, denied, wrong, running, ...used });
  }
  if ((await ended) !== 0) throw new Error(`the trees of ${place.root} did not grow`);
  place.remove(own);
  return samples;
}
