import koffi from "koffi";
import { constants, openSync } from "node:fs";
import { checked, errnoName } from "#platform/linux/libc.ts";
import { mayRunAnything, runsByMode } from "#platform/linux/runnable.ts";
import type { ReadFolder } from "#platform/folders.ts";

/** struct linux_dirent64 (getdents64(2)): where the inode's number, the record's length, the entry's type and its name stand. */
const [inode, reclen, type, name] = [0, 16, 18, 19] as const;
/** Entry types of readdir(3), which are also the upper bits of a mode (inode(7)). */
const [DT_UNKNOWN, DT_DIR, DT_REG, DT_LNK] = [0, 4, 8, 10] as const;
const typeBits = 12;
/** struct statx (statx(2)): where stx_mode stands. */
const stxMode = 28;
/** Bytes of a number that is read from either. */
const [short, word] = [Uint16Array.BYTES_PER_ELEMENT, Uint32Array.BYTES_PER_ELEMENT] as const;
const [STATX_TYPE, STATX_MODE] = [1, 2] as const;
const [AT_SYMLINK_NOFOLLOW, AT_EACCESS] = [0x100, 0x200] as const;
const X_OK = 1;
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const O_CLOEXEC = 0o2000000;
const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** Bytes of one getdents64(2); some thousand entries. */
const room = 64 * 1024;
/** PATH_MAX of limits.h, with the NUL. */
const longest = 4096;

/**
 * Makes what reads one folder, gives nothing where there is none, and throws with a code of open(2) where it cannot: by getdents64(2), whose records say what an entry is without
 * its inode being read, as find(1) does; of files only the mode is asked for. Node's own readdir makes an object of every entry and
 * takes half as long again, without the mode.
 */
export function createFolderReader(): ReadFolder {
  const lib = koffi.load(null);
  const getdents: (fd: number, into: number, size: number) => number = lib.func(
    "int64_t getdents64(int fd, uintptr_t into, size_t size)",
  );
  const statx: (dir: number, path: number, flags: number, mask: number, into: number) => number = lib.func(
    "int statx(int dir, uintptr_t path, int flags, unsigned int mask, uintptr_t into)",
  );
  const faccessat: (dir: number, path: number, mode: number, flags: number) => number = lib.func(
    "int faccessat(int dir, uintptr_t path, int mode, int flags)",
  );
  const fstatfs: (fd: number, into: number) => number = lib.func("int fstatfs(int fd, uintptr_t into)");
  const open: (path: number, flags: number) => number = lib.func("int open(uintptr_t path, int flags)");
  const close: (fd: number) => number = lib.func("int close(int fd)");
  // None of them moves: the kernel is handed addresses in them.
  const [path, records, seen] = [fixed(longest), fixed(room), fixed(256)];

  /** A descriptor; undefined where there is nothing, which is usual, and which Node would throw for. */
  const opened = (folder: string): number | undefined => {
    if (folder.length < longest) {
      path.bytes[path.bytes.write(folder, "latin1")] = 0;
      const descriptor = open(path.address, flags);
      if (descriptor >= 0) return descriptor;
      if (errnoName() === "ENOENT") return undefined;
    }
    return openSync(Buffer.from(folder, "latin1"), flags); // which names what is wrong
  };
  /** The mode of the entry whose record begins there; 0 where it has gone. */
  const modeOf = (folder: number, at: number): number => {
    const own = records.address + at + name;
    const failed = statx(folder, own, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_MODE, seen.address);
    return failed < 0 ? 0 : (seen.shorts[stxMode / short] ?? 0);
  };
  const isRoots = mayRunAnything();
  /** Whether access(2) says of a file in this folder what its mode does: it takes four fifths of the time. */
  const isAsked = (folder: number): boolean => isRoots && fstatfs(folder, seen.address) === 0 && runsByMode(seen.words);
  const isRunnable = (folder: number, at: number): boolean =>
    faccessat(folder, records.address + at + name, X_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) === 0;
  /** As a number: above 2^53 neighbours look alike. */
  const inodeOf = (at: number): number => {
    const low = (at + inode) / word;
    return (records.words[low + 1] ?? 0) * 2 ** 32 + (records.words[low] ?? 0);
  };
  return (folder, files) => {
    const descriptor = opened(folder);
    if (descriptor === undefined) return undefined;
    const [folders, programs] = [new Array<Entry>(), new Array<Entry>()];
    let passed = 0;
    const asks = files && isAsked(descriptor);
    /** Where the entry goes whose record begins there; nowhere where it is none of these, or a file that nobody may execute. */
    const placeOf = (at: number): Entry[] | undefined => {
      const said = records.bytes[at + type] ?? DT_UNKNOWN;
      if (said === DT_REG && asks) return isRunnable(descriptor, at) ? programs : undefined;
      const mode = said === DT_UNKNOWN || (said === DT_REG && files) ? modeOf(descriptor, at) : said << typeBits;
      const is = mode >> typeBits;
      if (is === DT_DIR) return folders;
      return is === DT_LNK || (is === DT_REG && files && (mode & 0o111) !== 0) ? programs : undefined;
    };
    try {
      for (let end = Infinity; end > 0;) {
        end = checked("getdents64", getdents(descriptor, records.address, room));
        for (let at = 0; at < end; at += records.shorts[(at + reclen) / short] || end) {
          passed += 1;
          const place = placeOf(at);
          if (place === undefined) continue;
          const own = records.bytes.toString("latin1", at + name, records.bytes.indexOf(0, at + name));
          if (own !== "." && own !== "..") place.push({ name: own, inode: inodeOf(at) });
        }
      }
      return { folders: inOrder(folders), programs: inOrder(programs), passed };
    } finally {
      close(descriptor);
    }
  };
}

interface Entry {
  readonly name: string;
  readonly inode: number;
}

/** Names in the order of their inodes, which is mostly that of the disk; a folder's own order is that of hashes (ext4). */
function inOrder(entries: readonly Entry[]): readonly string[] {
  return entries.toSorted((a, b) => a.inode - b.inode).map(({ name: own }) => own);
}

/** Memory as bytes and, for the kernel's numbers, as shorts: records begin at multiples of eight. */
function fixed(size: number): {
  readonly bytes: Buffer;
  readonly shorts: Uint16Array;
  readonly words: Uint32Array;
  readonly address: number;
} {
  const bytes = Buffer.allocUnsafeSlow(size);
  return {
    bytes,
    shorts: new Uint16Array(bytes.buffer),
    words: new Uint32Array(bytes.buffer),
    address: Number(koffi.address(bytes)),
  };
}
