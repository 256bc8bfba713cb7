import { constants, lstatSync, statSync, type BigIntStats } from "node:fs";
import { lstat, open, realpath, type FileHandle } from "node:fs/promises";
import { describe, systemCode } from "#lib/errors.ts";
import { rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";

/** Why something could not be read, in words that end up in evidence. */
export interface Unread {
  readonly unread: string;
}

/** What identifies one state of one file: whoever writes to it changes at least one of these. */
export interface Stamp {
  readonly dev: string;
  readonly ino: string;
  readonly size: number;
  readonly owner: number;
  readonly nlink: number;
  /** Whether anybody may execute it. */
  readonly runnable: boolean;
  /** When it was last changed in any way (ctime), in nanoseconds. */
  readonly changed: bigint;
  /** Device, inode, size, mtime and ctime (both in nanoseconds) as one text. */
  readonly key: string;
}

/** "major:minor", as gnu_dev_major(3) and gnu_dev_minor(3) take a dev_t apart. */
export function deviceText(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** The stamp of what `stat` saw. */
export function stampOf(stat: BigIntStats): Stamp {
  const dev = deviceText(stat.dev);
  return {
    dev,
    ino: String(stat.ino),
    size: Number(stat.size),
    owner: Number(stat.uid),
    nlink: Number(stat.nlink),
    runnable: (stat.mode & 0o111n) !== 0n,
    changed: stat.ctimeNs,
    key: `${dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`,
  };
}

/** An open file: as much of Node's FileHandle as is needed. */
export interface OpenFile {
  read(into: Buffer, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  close(): Promise<void>;
}

/** An open regular file. `file` must be closed by whoever asked for it. */
export interface Opened {
  readonly file: OpenFile;
  readonly stamp: Stamp;
}

/** Why what is not there was not read, and what is no file. */
export const notThere = "it is not there";
export const notRegular = "not a regular file";

const words: Readonly<Record<string, string>> = {
  ENOENT: notThere,
  ENOTDIR: notThere,
  EACCES: "not permitted",
  EPERM: "not permitted",
  ELOOP: "a loop of links, or a link where none is followed",
};

/** Words for what an open or a stat threw. */
export function why(thrown: unknown): string {
  return words[systemCode(thrown) ?? ""] ?? describe(thrown);
}

async function openChecked(path: Buffer | string, flags: number): Promise<Opened | Unread> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
    const stat = await file.stat({ bigint: true });
    if (stat.isFile()) return { file, stamp: stampOf(stat) };
    await file.close();
    return { unread: notRegular };
  } catch (error) {
    await file?.close();
    return { unread: why(error) };
  }
}

/** Opens a regular file for reading; nothing else is even opened (a FIFO would wait, opening some devices acts). */
export async function openRegular(path: RawPath): Promise<Opened | Unread> {
  try {
    if (!(await lstat(toBytes(path))).isFile()) return { unread: notRegular };
  } catch (error) {
    return { unread: why(error) };
  }
  return openChecked(toBytes(path), constants.O_NOFOLLOW);
}

/** Opens a running program's very bytes through a link of the kernel's own, /proc/PID/exe (proc(5)). */
export function openImage(link: string): Promise<Opened | Unread> {
  return openChecked(link, 0);
}

/** Opens a file that a process has open, through a link of the kernel's own (proc_pid_fd(5)), once it is known to be a regular one. */
export function openHeld(link: string): Promise<Opened | Unread> {
  return openChecked(link, constants.O_NOCTTY);
}

/** The bytes of a small file that one of `owners` (or root) owns; longer files are not read at all. */
export async function readSmall(
  path: RawPath,
  most: number,
  owner?: number,
  opening: (path: RawPath) => Opened | Unread | Promise<Opened | Unread> = openRegular,
): Promise<{ readonly bytes: Buffer; readonly stamp: Stamp } | Unread> {
  const opened = await opening(path);
  if ("unread" in opened) return opened;
  try {
    const { stamp } = opened;
    if (stamp.size > most) return { unread: `longer than ${most} bytes` };
    if (owner !== undefined && stamp.owner !== 0 && stamp.owner !== owner)
      return { unread: "neither root nor the file's owner owns it" };
    const bytes = Buffer.alloc(stamp.size);
    let got = 0;
    while (got < bytes.length) {
      const { bytesRead } = await opened.file.read(bytes, got, bytes.length - got, got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    return { bytes: bytes.subarray(0, got), stamp };
  } catch (error) {
    return { unread: why(error) };
  } finally {
    await opened.file.close();
  }
}

/** The path without links; undefined where it cannot be resolved (ELOOP, ENOENT, EACCES). */
export async function realPath(path: RawPath): Promise<RawPath | undefined> {
  try {
    return rawFromBytes(await realpath(toBytes(path), { encoding: "buffer" }));
  } catch {
    return undefined;
  }
}

/** The stamp of the regular file that a path leads to, links followed. Answers at once: one system call is no work to wait for. */
export function stampNow(path: Buffer | string): Stamp | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() === true ? stampOf(stat) : undefined;
  } catch {
    return undefined;
  }
}

/** The stamp of whatever regular file lies there now, links not followed. */
export async function stampAt(path: RawPath): Promise<Stamp | undefined> {
  const stat = await statAt(path);
  return stat?.isFile() === true ? stampOf(stat) : undefined;
}

/** The stamp of whatever folder lies there now, links not followed. */
export async function folderAt(path: RawPath): Promise<Stamp | undefined> {
  const stat = await statAt(path);
  return stat?.isDirectory() === true ? stampOf(stat) : undefined;
}

/** Whether anything lies there that we may see, links not followed. Answers at once. */
export function isThere(path: RawPath): boolean {
  try {
    return lstatSync(toBytes(path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

async function statAt(path: RawPath): Promise<BigIntStats | undefined> {
  try {
    return await lstat(toBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}
