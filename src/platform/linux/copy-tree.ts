import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lchownSync,
  symlinkSync,
  writeSync,
  type BigIntStats,
} from "node:fs";
import { PlatformError } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { Folder } from "#platform/linux/folder.ts";
import { pathOf } from "#platform/linux/inspect.ts";

/** One thing in a unit, as its manifest keeps it. */
export interface Entry extends Pick<FileSeen, "path" | "pathBytes"> {
  readonly mode: number;
  readonly size: number;
  readonly sha256?: string;
  /** A symbolic link's target. */
  readonly link?: string;
}

const maxEntries = 200_000;
const maxDepth = 64;

/** What may be in a unit: files, folders and links of one owner on one device. */
export interface Kin {
  readonly owner: bigint;
  readonly dev: bigint;
}

function assertKin(stats: BigIntStats, kin: Kin, path: Buffer): void {
  const where = path.toString("utf8");
  if (stats.uid !== kin.owner) throw new PlatformError("refused", `${where} belongs to another user`);
  if (stats.dev !== kin.dev) throw new PlatformError("device", `${where} is on another filesystem`);
  if (!stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink())
    throw new PlatformError("refused", `${where} is no file, folder or link`);
}

const join = (base: Buffer, name: Uint8Array): Buffer =>
  base.length === 0 ? Buffer.from(name) : Buffer.concat([base, Buffer.from("/"), name]);

async function hashOf(fd: number, each: (chunk: Buffer) => void): Promise<string> {
  const hash = createHash("sha256");
  const chunks: AsyncIterable<Buffer> = createReadStream("", {
    fd,
    autoClose: false,
    start: 0,
    highWaterMark: 1 << 20,
  });
  for await (const chunk of chunks) {
    hash.update(chunk);
    each(chunk);
  }
  return hash.digest("hex");
}

interface Visit {
  readonly kin: Kin;
  readonly entries: Entry[];
  readonly depth: number;
  readonly path: Buffer;
  /** Where a copy is made, if one is. */
  readonly into?: { readonly folder: Folder; readonly name: Uint8Array } | undefined;
}

/**
 * Reads, and where asked copies, one entry of a folder with all that is in it; what was seen is added to `entries`.
 * Nothing is followed. Copies get owner, mode and time of what they are copies of, and are on the disk afterwards.
 * @throws PlatformError `refused`, `device`, `limit`, `gone`
 */
export async function visit(from: Folder, name: Uint8Array, at: Visit): Promise<void> {
  if (at.depth > maxDepth || at.entries.length >= maxEntries)
    throw new PlatformError("limit", `${at.path.toString("utf8")}: too many files or too deep`);
  const stats = from.lstat(name);
  assertKin(stats, at.kin, at.path);
  const seen = { ...pathOf(at.path), mode: Number(stats.mode & 0o7777n), size: Number(stats.size) };
  if (stats.isSymbolicLink()) {
    const target = from.readlink(name);
    at.entries.push({ ...seen, link: target.toString("utf8") });
    if (at.into !== undefined) {
      const copy = at.into.folder.at(at.into.name);
      symlinkSync(target, copy);
      lchownSync(copy, Number(stats.uid), Number(stats.gid));
    }
  } else if (stats.isDirectory()) await visitFolder(from, name, at, seen);
  else await visitFile(from, name, at, seen);
}

async function visitFolder(from: Folder, name: Uint8Array, at: Visit, seen: Entry): Promise<void> {
  at.entries.push({ ...seen, size: 0 });
  const folder = from.folder(name);
  const copy = at.into?.folder.mkdir(at.into.name);
  try {
    const stats = folder.stat();
    assertKin(stats, at.kin, at.path);
    for (const child of folder.names()) {
      const into = copy && { folder: copy, name: child };
      await visit(folder, child, { ...at, depth: at.depth + 1, path: join(at.path, child), into });
    }
    if (copy !== undefined) finish(copy.fd, stats);
  } finally {
    folder.close();
    copy?.close();
  }
}

async function visitFile(from: Folder, name: Uint8Array, at: Visit, seen: Entry): Promise<void> {
  const fd = from.file(name);
  const copy = at.into?.folder.create(at.into.name);
  try {
    const stats = fstatSync(fd, { bigint: true });
    assertKin(stats, at.kin, at.path);
    if (!stats.isFile()) throw new PlatformError("refused", `${at.path.toString("utf8")} was changed meanwhile`);
    const sha256 = await hashOf(fd, (chunk) => {
      if (copy !== undefined) writeAll(copy, chunk);
    });
    at.entries.push({ ...seen, size: Number(stats.size), sha256 });
    if (copy !== undefined) finish(copy, stats);
  } finally {
    closeSync(fd);
    if (copy !== undefined) closeSync(copy);
  }
}

function writeAll(fd: number, chunk: Buffer): void {
  for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done);
}

function finish(fd: number, like: BigIntStats): void {
  const now = fstatSync(fd, { bigint: true });
  if (now.uid !== like.uid || now.gid !== like.gid) fchownSync(fd, Number(like.uid), Number(like.gid));
  fchmodSync(fd, Number(like.mode & 0o7777n)); // after chown(2), which takes set-id bits away
  futimesSync(fd, Number(like.atimeNs) / 1e9, Number(like.mtimeNs) / 1e9);
  fsyncSync(fd);
}

/** Removes one entry of a folder with all that is in it, following nothing and entering no mount. */
export function remove(from: Folder, name: Uint8Array): void {
  if (!from.lstat(name).isDirectory()) {
    from.unlink(name);
    return;
  }
  const folder = from.folder(name);
  try {
    for (const child of folder.names()) remove(folder, child);
  } finally {
    folder.close();
  }
  from.rmdir(name);
}
