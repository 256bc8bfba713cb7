import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { withLock } from "#lib/file-lock.ts";

/** What the kernel does with a crash (core(5)). */
export const corePattern = "/proc/sys/kernel/core_pattern";
/** How long the queue of a fanotify group becomes that is made from now on (fanotify(7)). */
export const queueLength = "/proc/sys/fs/fanotify/max_queued_events";

/** Why a setting of the whole machine cannot be changed here, printed; undefined where it can. */
export function fixed(file: string): string | undefined {
  try {
    accessSync(file, constants.W_OK);
    return undefined;
  } catch {
    const why = `${file} cannot be written to`;
    console.warn(`skipped: ${why}`);
    return why;
  }
}

/** The whole machine's, for as long as `work` takes, or the test; one after the other. */
export function withSetting<T>(file: string, value: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(tmpdir(), "edict-test-sysctl.lock"), 50_000, async () => {
    let before: Buffer | undefined = readFileSync(file);
    const restore = (): void => {
      if (before !== undefined) writeFileSync(file, before);
      before = undefined;
    };
    onTestFinished(restore); // also where its time is over
    writeFileSync(file, value);
    try {
      return await work();
    } finally {
      restore();
    }
  });
}
