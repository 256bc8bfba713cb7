import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What stands at the path is no plain file, or is longer than it may be. */
export class FileError extends Error {
  readonly code: "not-a-file" | "too-large";
  constructor(code: FileError["code"], message: string) {
    super(message);
    this.name = "FileError";
    this.code = code;
  }
}

/** The ending of files that are being written; one that is left over belongs to a writer that died. */
export const temporaryEnding = ".tmp";

/**
 * Reads a whole regular file of at most `maxBytes`. A link is refused (open(2) O_NOFOLLOW) and a FIFO cannot make us wait
 * (O_NONBLOCK). @throws FileError, or Node's system error.
 */
export async function readBounded(file: string, maxBytes: number): Promise<Buffer> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new FileError("not-a-file", `${file} is not a regular file`);
    // One byte more than it should have: a file that grows while it is read is noticed.
    const room = Buffer.allocUnsafe(Math.min(stat.size, maxBytes) + 1);
    let length = 0;
    while (length < room.length) {
      const { bytesRead } = await handle.read(room, length, room.length - length, null);
      if (bytesRead === 0) return room.subarray(0, length);
      length += bytesRead;
    }
    throw new FileError("too-large", `${file} is longer than ${Math.min(stat.size, maxBytes)} bytes`);
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file as a whole: whoever reads it, and whatever happens to this process or the power, finds the old bytes or
 * the new ones (rename(2); the folder is synchronised too, fsync(2)). Links at the path are replaced, not followed.
 * @throws Node's system error; nothing is left behind then.
 */
export async function writeAtomic(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = temporaryFor(file);
  try {
    await writeNew(temporary, bytes, mode);
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** A new file, whole or not at all: link(2) fails where the name is taken. @throws EEXIST, or another system error. */
export async function createAtomic(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = temporaryFor(file);
  try {
    await writeNew(temporary, bytes, mode);
    await link(temporary, file);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  await syncFolder(dirname(file));
}

function temporaryFor(file: string): string {
  return join(dirname(file), `.${basename(file)}.${randomUUID()}${temporaryEnding}`);
}

/** Writes a file that must not exist yet, and synchronises its bytes. @throws EEXIST, or another system error. */
export async function writeNew(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    await handle.chmod(mode); // whatever the umask
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder durable (fsync(2): "an explicit fsync() on a file descriptor for the directory"). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
