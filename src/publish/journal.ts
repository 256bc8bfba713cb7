import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { FileError, readBounded, syncFolder, temporaryEnding, writeAtomic } from "#lib/atomic-file.ts";
import { systemCode } from "#lib/errors.ts";
import { withLock } from "#lib/file-lock.ts";
import { firstRoot } from "#publish/current.ts";

/** Files in the order in which they are to become visible: path in the repository, bytes. */
export type Writes = readonly (readonly [path: string, bytes: Uint8Array])[];

const lock = ".lock";

/** What was decided and may not be written whole yet. It holds nothing that is not about to be public. */
const journal = ".release";
const journalSchema = z.strictObject({
  format: z.literal("edict-release"),
  formatVersion: z.literal(1),
  files: z.array(z.tuple([z.string().regex(/^[0-9a-z.-]+\.json$/), z.base64()])),
});
const maxJournal = 256 * 1024 * 1024;

/** One writer at a time; what a writer that died had decided is finished first, and what it left half written swept away. */
export function exclusively<T>(dir: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(dir, lock), 30_000, async () => {
    await sweep(dir);
    await finish(dir);
    return work();
  });
}

/** Work on a repository that is there; a dry run reads what stands, and holds nobody up. @throws TrustError CACHE where none is */
export async function changing<T>(dir: string, dryRun: boolean, work: () => Promise<T>): Promise<T> {
  await firstRoot(dir);
  return dryRun ? work() : exclusively(dir, work);
}

/**
 * Writes files whose names hold their hash, and then the metadata that makes them count: written down as a whole first, so
 * that whoever comes after a process that died goes on where it stopped. Call it under the lock.
 */
export async function writeAll(dir: string, targets: Writes, metadata: Writes): Promise<void> {
  for (const [path, bytes] of targets) await write(join(dir, path), bytes);
  const files = metadata.map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]);
  const text = JSON.stringify({ format: "edict-release", formatVersion: 1, files });
  if (metadata.length > 1) await writeAtomic(join(dir, journal), Buffer.from(text), 0o600);
  for (const [path, bytes] of metadata) await write(join(dir, path), bytes);
  if (metadata.length > 1) await forget(dir);
}

/** Files that a writer had begun when it died; those of whoever waits for the lock are theirs. */
async function sweep(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (name.startsWith(".") && !name.startsWith(lock) && name.endsWith(temporaryEnding))
      await rm(join(dir, name), { force: true });
}

async function finish(dir: string): Promise<void> {
  const files = await read(join(dir, journal));
  for (const [path, base64] of files ?? []) await write(join(dir, path), Buffer.from(base64, "base64"));
  if (files !== undefined) await forget(dir);
}

/** Undefined where there is none; nothing where it is none of ours: what lies there is whole to readers in any case. */
async function read(file: string): Promise<z.infer<typeof journalSchema>["files"] | undefined> {
  let text: Buffer;
  try {
    text = await readBounded(file, maxJournal);
  } catch (error) {
    if (error instanceof FileError) return [];
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return journalSchema.parse(JSON.parse(text.toString())).files;
  } catch {
    return [];
  }
}

async function forget(dir: string): Promise<void> {
  await rm(join(dir, journal), { recursive: true });
  await syncFolder(dir);
}

/** Readable by the web server, whoever that runs as. */
async function write(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  await writeAtomic(file, bytes, 0o644);
}
