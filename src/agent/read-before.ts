import { readBounded, writeAtomic } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { knownContentsSchema, type KnownContents } from "#observe/content-memory.ts";

/** Its name in the state's folder. */
export const contentsFile = "contents.json";
/** Some hundred bytes a reading; a file that is longer is none of ours. */
const longest = 8 * 1024 * 1024;

/**
 * What was read of files before the agent ended, so that a restart reads none of them again: a file that was changed since
 * has another stamp. Undefined where nothing was kept, or what was kept is broken: then everything is read once more.
 */
export async function readBefore(file: string, log: Log): Promise<KnownContents | undefined> {
  try {
    return knownContentsSchema.parse(JSON.parse((await readBounded(file, longest)).toString("utf8")));
  } catch (error) {
    if (systemCode(error) !== "ENOENT")
      log.warn("what was read of files before cannot be used: all are read again", { error: describe(error) });
    return undefined;
  }
}

/** Keeps it, for its owner alone. A disk that refuses costs a restart its time, and nothing else. */
export async function keepRead(file: string, contents: KnownContents, log: Log): Promise<void> {
  try {
    await writeAtomic(file, Buffer.from(JSON.stringify(contents)));
  } catch (error) {
    log.warn("what was read of files cannot be kept", { error: describe(error) });
  }
}
