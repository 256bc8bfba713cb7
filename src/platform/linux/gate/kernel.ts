import koffi from "koffi";
import { constants as files } from "node:fs";
import { constants } from "node:os";
import { errnoName, SystemCallError } from "#platform/linux/libc.ts";

/** One descriptor that poll(2) watches, and what it said of it. */
export interface Polled {
  readonly fd: number;
  readonly events: number;
}
/** poll(2) */
export const pollBits = { in: 1, pri: 2, error: 8, hangUp: 16 } as const;

/** The system calls of the gate. Bound once: nothing is looked up while a program waits for an answer. All throw SystemCallError. */
export interface GateKernel {
  /** fanotify_init(2) */
  init(flags: number, eventFlags: number): number;
  /** fanotify_mark(2) on a path, as bytes, looked up in our namespace. */
  markPath(group: number, flags: number, mask: number, path: Uint8Array): void;
  /** fanotify_mark(2) on an open file. */
  markFile(group: number, flags: number, mask: number, fd: number): void;
  /** read(2) into `buffer`; undefined where there is nothing (EAGAIN, EINTR). */
  read(fd: number, buffer: Uint8Array): number | undefined;
  /** write(2) of a response; one that nobody waits for (any more) is let alone (ENOENT). */
  respond(group: number, response: Uint8Array): void;
  close(fd: number): void;
  /** readlink(2) of /proc/self/fd/FD into `buffer`; its length. */
  pathOf(fd: number, buffer: Uint8Array): number;
  /** poll(2): the events of each, in order. Milliseconds, -1 for ever. */
  poll(fds: readonly Polled[], timeout: number): readonly number[];
  /**
   * open(2) with O_PATH of what lies below an open folder: never through a link, out of it, or onto another filesystem
   * (openat2(2), Linux 5.6), and never by reading a disk (RESOLVE_CACHED, Linux 5.12). Undefined where that leads nowhere, or to where nobody
   * has been of late.
   */
  openBelow(folder: number, path: Uint8Array): number | undefined;
  /** recv(2) that never waits: undefined where there is nothing, 0 at the end. */
  receive(fd: number, buffer: Uint8Array): number | undefined;
  /** send(2) that never waits: how many bytes were taken, 0 where the other end is full. */
  send(fd: number, bytes: Uint8Array): number;
  /** How many descriptors this process may have now: getrlimit(2), RLIMIT_NOFILE. */
  mostDescriptors(): number;
  /** prctl(2) */
  prctl(option: number, value: number): void;
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const AT_FDCWD = -100;
/** asm-generic/unistd.h and unistd_64.h have the same. */
const openat2 = 437;
const O_PATH = 0o10_000_000;
const O_CLOEXEC = 0o2_000_000;
const RESOLVE = { NO_XDEV: 1, NO_SYMLINKS: 4, BENEATH: 8, CACHED: 0x20 } as const;
const { EAGAIN, EINTR, EINVAL, ENOENT } = constants.errno;
/** A folder that changes meanwhile looks like one that is not in memory: it is asked so often. */
const tries = 3;

function fail(call: string): never {
  throw new SystemCallError(call, errnoName());
}

function tryAgain(): boolean {
  const errno = koffi.errno();
  return errno === EAGAIN || errno === EINTR;
}

/** Binds them to the C library that Node itself runs on. */
export function openGateKernel(): GateKernel {
  const lib = koffi.load(null);
  const init: (flags: number, eventFlags: number) => number = lib.func(
    "int fanotify_init(unsigned int flags, unsigned int event_f_flags)",
  );
  const markPath: (group: number, flags: number, mask: number, dir: number, path: Uint8Array | null) => number =
    lib.func("int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int dirfd, const uint8_t *path)");
  const read: (fd: number, buffer: Uint8Array, n: number) => number = lib.func(
    "int64_t read(int fd, _Out_ uint8_t *buffer, size_t n)",
  );
  const write: (fd: number, bytes: Uint8Array, n: number) => number = lib.func(
    "int64_t write(int fd, const uint8_t *bytes, size_t n)",
  );
  const close: (fd: number) => number = lib.func("int close(int fd)");
  const readlink: (path: string, buffer: Uint8Array, n: number) => number = lib.func(
    "int64_t readlink(const char *path, _Out_ uint8_t *buffer, size_t n)",
  );
  const poll: (fds: Uint8Array, n: number, timeout: number) => number = lib.func(
    "int poll(_Inout_ uint8_t *fds, unsigned long n, int timeout)",
  );
  const open2: (n: number, folder: number, path: Uint8Array, how: Uint8Array, size: number) => number = lib.func(
    "long syscall(long n, long folder, const uint8_t *path, const uint8_t *how, long size)",
  );
  const how = Buffer.alloc(24); // struct open_how: u64 flags, mode, resolve
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | files.O_NOFOLLOW), 0);
  const resolve = RESOLVE.NO_XDEV | RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH;
  how.writeBigUInt64LE(BigInt(resolve | RESOLVE.CACHED), 16);
  const recv: (fd: number, buffer: Uint8Array, n: number, flags: number) => number = lib.func(
    "int64_t recv(int fd, _Out_ uint8_t *buffer, size_t n, int flags)",
  );
  const send: (fd: number, bytes: Uint8Array, n: number, flags: number) => number = lib.func(
    "int64_t send(int fd, const uint8_t *bytes, size_t n, int flags)",
  );
  const getrlimit: (what: number, limits: Uint8Array) => number = lib.func(
    "int getrlimit(int what, _Out_ uint8_t *limits)",
  );
  const limits = Buffer.alloc(16); // struct rlimit: u64 soft, u64 hard
  const prctl: (option: number, a: number, b: number, c: number, d: number) => number = lib.func(
    "int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
  );
  return {
    init: (flags, eventFlags) => {
      const fd = init(flags, eventFlags);
      return fd < 0 ? fail("fanotify_init") : fd;
    },
    markPath: (group, flags, mask, path) => {
      if (markPath(group, flags, mask, AT_FDCWD, Buffer.concat([path, Buffer.of(0)])) < 0) fail("fanotify_mark");
    },
    markFile: (group, flags, mask, fd) => {
      if (markPath(group, flags, mask, fd, null) < 0) fail("fanotify_mark");
    },
    read: (fd, buffer) => {
      const length = read(fd, buffer, buffer.length);
      return length >= 0 ? length : tryAgain() ? undefined : fail("read");
    },
    respond: (group, response) => {
      if (write(group, response, response.length) < 0 && koffi.errno() !== ENOENT) fail("write");
    },
    close: (fd) => void close(fd),
    pathOf: (fd, buffer) => {
      const length = readlink(`/proc/self/fd/${fd}`, buffer, buffer.length);
      return length < 0 ? fail("readlink") : length;
    },
    poll: (fds, timeout) => {
      const bytes = Buffer.alloc(8 * fds.length); // struct pollfd: int fd, short events, short revents
      for (const [i, { fd, events }] of fds.entries()) {
        bytes.writeInt32LE(fd, 8 * i);
        bytes.writeInt16LE(events, 8 * i + 4);
      }
      if (poll(bytes, fds.length, timeout) < 0 && !tryAgain()) fail("poll");
      return fds.map((_, i) => bytes.readInt16LE(8 * i + 6));
    },
    openBelow: (folder, path) => {
      const bytes = Buffer.concat([path, Buffer.of(0)]);
      for (let left = tries; left > 0; left -= 1) {
        const fd = open2(openat2, folder, bytes, how, how.length);
        if (fd >= 0) return fd;
        const errno = koffi.errno();
        if (errno === EINVAL) how.writeBigUInt64LE(BigInt(resolve), 16); // an older kernel knows no such walk
        else if (errno !== EAGAIN) return undefined;
      }
      return undefined;
    },
    receive: (fd, buffer) => {
      const length = recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      return length >= 0 ? length : tryAgain() ? undefined : fail("recv");
    },
    send: (fd, bytes) => {
      const length = send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
      return length >= 0 ? length : tryAgain() ? 0 : fail("send");
    },
    mostDescriptors: () => {
      const RLIMIT_NOFILE = 7;
      return getrlimit(RLIMIT_NOFILE, limits) < 0 ? fail("getrlimit") : Number(limits.readBigUInt64LE(0));
    },
    prctl: (option, value) => {
      if (prctl(option, value, 0, 0, 0) < 0) fail("prctl");
    },
  };
}
