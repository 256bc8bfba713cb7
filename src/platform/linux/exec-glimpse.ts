import koffi from "koffi";
import { readLink } from "#platform/linux/read.ts";

// fcntl.h and linux/stat.h; the same on both processors but for O_DIRECTORY, which is not needed here.
const AT_FDCWD = -100;
const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const STATX_BASIC_STATS = 0x7ff;
const S_IFMT = 0xf000;
const S_IFREG = 0x8000;

/** Where in struct statx its fields stand (linux/stat.h). */
const at = { nlink: 16, uid: 20, mode: 28, atime: 64, ctime: 96, end: 144 } as const;
/** Bytes of arguments that are read: a program's name, and whether it is given code. */
const words = 512;

interface Calls {
  readonly openat: (dir: number, path: Uint8Array, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly read: (fd: number, bytes: Uint8Array, length: number) => number;
  readonly readlinkat: (dir: number, path: Uint8Array, bytes: Uint8Array, length: number) => number;
  readonly statx: (dir: number, path: Uint8Array, flags: number, mask: number, bytes: Uint8Array) => number;
}

function bindCalls(): Calls {
  const lib = koffi.load(null);
  return {
    openat: lib.func("int openat(int dir, const uint8_t *path, int flags)"),
    close: lib.func("int close(int fd)"),
    read: lib.func("int64_t read(int fd, _Out_ uint8_t *bytes, size_t length)"),
    readlinkat: lib.func("int64_t readlinkat(int dir, const uint8_t *path, _Out_ uint8_t *bytes, size_t length)"),
    statx: lib.func("int statx(int dir, const uint8_t *path, int flags, unsigned int mask, _Out_ uint8_t *bytes)"),
  };
}

const named = (name: string): Buffer => Buffer.from(`${name}\0`);
const names = { program: named("exe"), arguments: named("cmdline"), mounts: named("ns/mnt") } as const;

/** There is no such process any more. */
export const gone = Symbol("gone");

/**
 * The least that tells one start of a system's program from another: a machine that builds something starts the same ten of
 * them thousands of times, and whatever more is read of each, and every buffer that is made for it, is taken from the build.
 */
export class Glimpses {
  readonly #calls = bindCalls();
  readonly #folder = Buffer.alloc(64);
  /** First what statx(2) says, and over its unused end the arguments. */
  readonly #room = Buffer.alloc(at.end + Math.max(words, 256));
  readonly #words = this.#room.subarray(at.end);
  readonly #link = Buffer.alloc(256);
  readonly #mounts = readLink("/proc/self/ns/mnt")?.toString("latin1");

  constructor() {
    this.#folder.write("/proc/");
  }

  /**
   * One text for the program's file and its state, the name it was called by, and whether it is given code (`-c`): two starts
   * with the same text are the same in all of it. Only of a file that nobody but root can write, under one name, in our own mount
   * namespace; undefined for any other. `gone` where there is no such process any more.
   */
  of(pid: number): string | undefined | typeof gone {
    const { openat, close } = this.#calls;
    this.#folder[this.#folder.write(String(pid), 6, "latin1") + 6] = 0;
    const folder = openat(AT_FDCWD, this.#folder, O_PATH | O_CLOEXEC);
    if (folder < 0) return gone;
    try {
      return this.#isOfSystem(folder) ? this.#text(folder) : undefined;
    } finally {
      close(folder);
    }
  }

  #isOfSystem(folder: number): boolean {
    const { statx, readlinkat } = this.#calls;
    const room = this.#room;
    if (statx(folder, names.program, 0, STATX_BASIC_STATS, room) < 0) return false;
    const mode = room.readUInt16LE(at.mode);
    if ((mode & S_IFMT) !== S_IFREG || (mode & 0o022) !== 0) return false;
    if (room.readUInt32LE(at.uid) !== 0 || room.readUInt32LE(at.nlink) !== 1) return false;
    const length = readlinkat(folder, names.mounts, this.#link, this.#link.length);
    return length > 0 && this.#link.toString("latin1", 0, length) === this.#mounts;
  }

  #text(folder: number): string | undefined {
    const { openat, close, read } = this.#calls;
    const fd = openat(folder, names.arguments, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return undefined;
    const length = read(fd, this.#words, words);
    close(fd);
    const name = this.#words.indexOf(0);
    if (length <= 0 || name < 0 || name >= length) return undefined;
    const code = this.#words.toString("latin1", name + 1, name + 4) === "-c\0" && name + 4 <= length;
    this.#room.fill(0, at.atime, at.ctime); // it was read a moment ago; that does not make it another
    return this.#room.toString("latin1", at.nlink, at.end + name + (code ? 4 : 1));
  }
}
