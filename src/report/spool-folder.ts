import { chmod, lstat, mkdir, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { temporaryEnding } from "#lib/atomic-file.ts";
import { asideEnding, Segment } from "#report/segment.ts";
import { ReportError } from "#report/report-error.ts";

/** Files with broken lines that are kept for a look; older ones are deleted. */
const asideMost = 8;

/**
 * Makes the folder, and makes sure that it is ours alone. @throws ReportError `IDENTITY` when somebody else could have put
 * something there, or Node's system error when it cannot be made
 */
export async function ownFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stat = await lstat(dir);
  if (!stat.isDirectory()) throw new ReportError("IDENTITY", `${dir} is not a folder`);
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    throw new ReportError("IDENTITY", `${dir} belongs to user ${stat.uid}: remove it, or run as that user`);
  if ((stat.mode & 0o077) !== 0) await chmod(dir, 0o700);
}

/** Every segment that an earlier process left, oldest first, and how many files could not be read and were put aside. */
export async function recoverSegments(dir: string): Promise<{ segments: Segment[]; aside: number }> {
  const segments: Segment[] = [];
  let aside = 0;
  for (const name of (await readdir(dir)).toSorted()) {
    if (name.endsWith(temporaryEnding)) await unlink(join(dir, name)).catch(() => undefined);
    const segment = Segment.named(dir, name);
    if (segment === undefined) continue;
    try {
      await segment.recover();
      if (segment.lines > 0) segments.push(segment);
      else await unlink(segment.path).catch(() => undefined);
    } catch {
      aside += 1;
      await putAside(dir, segment);
    }
  }
  return { segments, aside };
}

/** Gives a file another name, under which nobody sends it. What cannot be renamed stays, and is looked at next time. */
export async function putAside(dir: string, segment: Segment): Promise<void> {
  await segment.close();
  await rename(segment.path, segment.path + asideEnding).catch(() => undefined);
  await boundAside(dir);
}

/** Deletes the oldest of the files that were put aside. */
export async function boundAside(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  const old = names.filter((name) => name.endsWith(asideEnding)).toSorted();
  for (const name of old.slice(0, -asideMost)) await unlink(join(dir, name)).catch(() => undefined);
}
