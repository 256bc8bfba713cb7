import { closeSync, constants, openSync, readSync, readlinkSync, statSync, type BigIntStats } from "node:fs";
import { systemCode } from "#lib/errors.ts";
import { PlatformError } from "#platform/platform.ts";

/** What a vanished process or file answers with; ESRCH comes from /proc when it ends between open and read. */
function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ESRCH" || code === "ENOTDIR";
}

/** Runs one look at a file. Undefined when it is gone. @throws PlatformError `denied` or `failed`, naming the path. */
function look<T>(path: string | Buffer, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return undefined;
    const code = systemCode(error);
    const denied = code === "EACCES" || code === "EPERM";
    throw new PlatformError(denied ? "denied" : "failed", `cannot read ${path.toString()}`, { cause: error });
  }
}

/** At most `limit` bytes of a small file, read at once. Undefined when it is gone. @throws PlatformError */
export function readSmall(path: string, limit: number): Buffer | undefined {
  return look(path, () => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      let buffer = Buffer.allocUnsafe(Math.min(limit, 4096));
      let length = 0;
      for (;;) {
        const read = readSync(fd, buffer, length, buffer.length - length, null);
        length += read;
        if (read === 0 || length === limit) return buffer.subarray(0, length);
        if (length === buffer.length) {
          const larger = Buffer.allocUnsafe(Math.min(limit, buffer.length * 4));
          buffer.copy(larger);
          buffer = larger;
        }
      }
    } finally {
      closeSync(fd);
    }
  });
}

/** A file that the kernel gives whole in one read, as /proc/PID/stat: half the cost of looking for its end. @throws PlatformError */
export function readOnce(path: string, limit: number): Buffer | undefined {
  return look(path, () => {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      const buffer = Buffer.allocUnsafe(limit);
      return buffer.subarray(0, readSync(fd, buffer, 0, limit, null));
    } finally {
      closeSync(fd);
    }
  });
}

/** A symbolic link's bytes. Undefined when it is gone. @throws PlatformError */
export function readLink(path: string): Buffer | undefined {
  return look(path, () => readlinkSync(path, { encoding: "buffer" }));
}

/** stat(2). Undefined when it is gone. @throws PlatformError */
export function statOf(path: string | Buffer): BigIntStats | undefined {
  return look(path, () => statSync(path, { bigint: true, throwIfNoEntry: false }));
}
