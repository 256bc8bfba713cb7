import { randomUUID } from "node:crypto";
import { link, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readBounded, writeNew } from "#lib/atomic-file.ts";
import { systemCode } from "#lib/errors.ts";

/** Where it cannot be asked whether the holder lives, a lock this much older than a file made now has none. */
const abandonedMs = 600_000;

/** Somebody else holds the lock, and did not let go in time. */
export class LockedError extends Error {
  constructor(file: string, holder: string) {
    super(`${file} is held by process ${holder}`);
    this.name = "LockedError";
  }
}

/**
 * Runs `work` while no other process (and no other caller in this one) runs under the same lock file. The lock names its
 * holder by pid, start time and boot; one whose holder is gone is broken at once.
 * @throws LockedError after `waitMs`; whatever `work` throws
 */
export async function withLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const mine = `${randomUUID()} ${await self()}`;
  const temporary = await temporaryOf(file);
  const deadline = performance.now() + waitMs;
  try {
    await writeNew(temporary, Buffer.from(mine));
    // link(2) fails where the name exists, and the file is never seen half written.
    while (!(await linked(temporary, file))) {
      const holder = await read(file);
      if (holder !== undefined && (await abandoned(file, holder, temporary))) await takeAway(file, holder);
      else if (performance.now() > deadline) throw new LockedError(file, holder?.split(" ")[1] ?? "?");
      else await sleep(20);
    }
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  try {
    await sweep(file).catch(() => undefined);
    return await work();
  } finally {
    if ((await read(file)) === mine) await unlink(file).catch(() => undefined);
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** The lock's text; "" where something else stands there; undefined where nothing does. */
async function read(file: string): Promise<string | undefined> {
  try {
    return (await readBounded(file, 200)).toString();
  } catch (error) {
    return systemCode(error) === "ENOENT" ? undefined : "";
  }
}

async function abandoned(file: string, holder: string, recent: string): Promise<boolean> {
  const [, pid, start, boot] = holder.split(" ");
  if (pid === undefined || start === undefined || boot === undefined) return true; // no lock of ours
  if (start !== "-" && (await bootId()) !== "-") return boot !== (await bootId()) || start !== (await startOf(pid));
  const [then, now] = await Promise.all(
    [file, recent].map((f) =>
      stat(f).then(
        (s) => s.mtimeMs,
        () => 0,
      ),
    ),
  );
  return now !== undefined && then !== undefined && now - then > abandonedMs;
}

/** Two who break the same lock must not break the next holder's: what was moved is looked at, and put back. */
async function takeAway(file: string, holder: string): Promise<void> {
  const aside = await temporaryOf(file);
  try {
    await rename(file, aside);
  } catch {
    return; // somebody was faster
  }
  if ((await read(aside)) !== holder) await link(aside, file).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** A name that says whose it is. */
async function temporaryOf(file: string): Promise<string> {
  return `${file}.${process.pid}.${(await startOf(String(process.pid))) ?? "-"}.${randomUUID()}.tmp`;
}

/** Removes the temporary files of those who were killed before they could; where it cannot be asked who lives, none. */
async function sweep(file: string): Promise<void> {
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(`${basename(file)}.`)) continue;
    const [, pid, start] = /^\.(\d+)\.(\d+)\.[0-9a-f-]{36}\.tmp$/.exec(name.slice(basename(file).length)) ?? [];
    if (pid !== undefined && start !== (await startOf(pid)))
      await rm(join(dirname(file), name), { recursive: true, force: true });
  }
}

async function self(): Promise<string> {
  return `${process.pid} ${(await startOf(String(process.pid))) ?? "-"} ${await bootId()}`;
}

/** proc(5): field 22 of /proc/PID/stat, in ticks since boot; the name in field 2 may hold spaces and brackets. */
async function startOf(pid: string): Promise<string | undefined> {
  if (!/^\d{1,10}$/.test(pid)) return undefined;
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

/** proc(5) /proc/sys/kernel/random/boot_id; "-" where there is none. */
function bootId(): Promise<string> {
  return readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => "-",
  );
}
