import koffi from "koffi";
import { constants } from "node:os";
import { PlatformError, type PlatformErrorCode } from "#platform/platform.ts";

// System call numbers: asm/unistd_64.h and asm-generic/unistd.h. Those from 424 on are the same everywhere.
const numbers = {
  x64: { renameat2: 316 },
  arm64: { renameat2: 276 },
} as const;
const pidfdSendSignal = 424;
const pidfdOpen = 434;
const openat2 = 437;
const pidfdGetfd = 438;

const codes: Readonly<Record<string, PlatformErrorCode>> = {
  ENOSYS: "unsupported",
  EPERM: "denied",
  EACCES: "denied",
  ESRCH: "gone",
  ENOENT: "gone",
  EEXIST: "exists",
  ELOOP: "link",
  EXDEV: "device",
};

/** The first name of each number: EAGAIN before its alias EWOULDBLOCK. */
const names: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, errno]) => [errno, name]),
);

/** A system call that failed; `errno` is its name, such as "EPERM". */
export class SystemCallError extends PlatformError {
  readonly call: string;
  readonly errno: string;
  constructor(call: string, errno: string) {
    super(codes[errno] ?? "failed", `${call}: ${errno}`);
    this.call = call;
    this.errno = errno;
  }
}

/** The name of the last call's errno, such as "EAGAIN". */
export function errnoName(): string {
  const errno = koffi.errno();
  return names.get(errno) ?? `errno ${errno}`;
}

/** @throws SystemCallError where a call's result is negative */
export function checked(name: string, result: number): number {
  if (result < 0) throw new SystemCallError(name, errnoName());
  return result;
}

/** The system calls that Node does not offer. Every one throws SystemCallError. Paths are bytes without a NUL. */
export interface Libc {
  /** pidfd_open(2), Linux 5.3. */
  pidfdOpen(pid: number): number;
  /** pidfd_send_signal(2), Linux 5.1. Signal 0 only asks. */
  pidfdSendSignal(pidfd: number, signal: number): void;
  /** pidfd_getfd(2), Linux 5.6: another process's descriptor, for as long as ours is open. Closed on exec. */
  pidfdGetfd(pidfd: number, fd: number): number;
  /** Whether there is something to read, without waiting: for a pidfd, whether the process has ended (poll(2)). */
  readable(fd: number): boolean;
  close(fd: number): void;
  /** memfd_create(2): memory as a file, closed on exec, never executable where the kernel can be told (Linux 6.3). */
  memoryFile(name: string): number;
  /** openat2(2), Linux 5.6. */
  openat2(dirfd: number, path: Uint8Array, how: { flags: number; mode?: number; resolve: number }): number;
  /** renameat2(2). */
  renameat2(fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, flags: number): void;
  unlinkat(dirfd: number, path: Uint8Array, directory: boolean): void;
  mkdirat(dirfd: number, path: Uint8Array, mode: number): void;
  /** getsockopt(2) of SO_PEERCRED: the uid at the other end (unix(7)). */
  peerUid(fd: number): number;
  /** One datagram to a Unix socket; a leading NUL byte names an abstract one (unix(7)). */
  sendDatagram(address: Uint8Array, bytes: Uint8Array): void;
}

const terminated = (path: Uint8Array): Uint8Array => {
  if (path.includes(0)) throw new PlatformError("refused", "a path cannot hold a NUL byte");
  return Buffer.concat([path, Buffer.of(0)]);
};

/** Binds the C library that Node itself runs on, whichever that is. @throws PlatformError `unsupported` on other processors. */
export function openLibc(arch: string = process.arch): Libc {
  if (arch !== "x64" && arch !== "arm64") throw new PlatformError("unsupported", `no system calls known for ${arch}`);
  const call = numbers[arch];
  const lib = koffi.load(null);
  // syscall(2) is variadic; with integers and pointers only, its fixed prototypes are the same call on both processors.
  const sysPidfdOpen: (n: number, pid: number, flags: number) => number = lib.func(
    "long syscall(long n, long pid, long flags)",
  );
  const sysPidfdSend: (n: number, fd: number, signal: number, info: null, flags: number) => number = lib.func(
    "long syscall(long n, long fd, long signal, void *info, long flags)",
  );
  const sysPidfdGetfd: (n: number, pidfd: number, fd: number, flags: number) => number = lib.func(
    "long syscall(long n, long pidfd, long fd, long flags)",
  );
  const sysOpenat2: (n: number, dir: number, path: Uint8Array, how: Uint8Array, size: number) => number = lib.func(
    "long syscall(long n, long dir, const uint8_t *path, const uint8_t *how, long size)",
  );
  const sysRenameat2: (n: number, d: number, f: Uint8Array, e: number, t: Uint8Array, flags: number) => number =
    lib.func("long syscall(long n, long d, const uint8_t *f, long e, const uint8_t *t, long flags)");
  const poll: (fds: Uint8Array, n: number, timeout: number) => number = lib.func(
    "int poll(_Inout_ uint8_t *fds, unsigned long n, int timeout)",
  );
  const close: (fd: number) => number = lib.func("int close(int fd)");
  const memfdCreate: (name: string, flags: number) => number = lib.func(
    "int memfd_create(const char *name, unsigned int flags)",
  );
  const unlinkat: (dir: number, path: Uint8Array, flags: number) => number = lib.func(
    "int unlinkat(int dir, const uint8_t *path, int flags)",
  );
  const mkdirat: (dir: number, path: Uint8Array, mode: number) => number = lib.func(
    "int mkdirat(int dir, const uint8_t *path, unsigned int mode)",
  );
  const getsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number =
    lib.func("int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint8_t *length)");
  const socket: (domain: number, type: number, protocol: number) => number = lib.func(
    "int socket(int domain, int type, int protocol)",
  );
  const sendto: (fd: number, b: Uint8Array, n: number, flags: number, to: Uint8Array, length: number) => number =
    lib.func("int64_t sendto(int fd, const uint8_t *b, size_t n, int flags, const uint8_t *to, unsigned int length)");

  return {
    pidfdOpen: (pid) => checked("pidfd_open", sysPidfdOpen(pidfdOpen, pid, 0)),
    pidfdSendSignal: (fd, signal) =>
      void checked("pidfd_send_signal", sysPidfdSend(pidfdSendSignal, fd, signal, null, 0)),
    pidfdGetfd: (pidfd, fd) => checked("pidfd_getfd", sysPidfdGetfd(pidfdGetfd, pidfd, fd, 0)),
    readable: (fd) => {
      const fds = Buffer.alloc(8); // struct pollfd: int fd, short events, short revents
      fds.writeInt32LE(fd, 0);
      fds.writeInt16LE(1, 4); // POLLIN
      for (;;) {
        const ready = poll(fds, 1, 0);
        if (ready >= 0) return ready > 0;
        const errno = errnoName();
        if (errno !== "EINTR") throw new SystemCallError("poll", errno); // a signal of ours interrupts it (signal(7))
      }
    },
    close: (fd) => void checked("close", close(fd)),
    memoryFile: (name) => {
      const [MFD_CLOEXEC, MFD_NOEXEC_SEAL] = [1, 8];
      const sealed = memfdCreate(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
      return sealed >= 0 ? sealed : checked("memfd_create", memfdCreate(name, MFD_CLOEXEC));
    },
    openat2: (dirfd, path, how) => {
      const open = Buffer.alloc(24); // struct open_how: u64 flags, mode, resolve
      open.writeBigUInt64LE(BigInt(how.flags), 0);
      open.writeBigUInt64LE(BigInt(how.mode ?? 0), 8);
      open.writeBigUInt64LE(BigInt(how.resolve), 16);
      return checked("openat2", sysOpenat2(openat2, dirfd, terminated(path), open, open.length));
    },
    renameat2: (fromDir, from, toDir, to, flags) =>
      void checked("renameat2", sysRenameat2(call.renameat2, fromDir, terminated(from), toDir, terminated(to), flags)),
    unlinkat: (dirfd, path, directory) =>
      void checked("unlinkat", unlinkat(dirfd, terminated(path), directory ? 0x200 : 0)), // AT_REMOVEDIR
    mkdirat: (dirfd, path, mode) => void checked("mkdirat", mkdirat(dirfd, terminated(path), mode)),
    peerUid: (fd) => {
      const credentials = Buffer.alloc(12); // struct ucred: pid, uid, gid
      const length = Buffer.alloc(4);
      length.writeUInt32LE(credentials.length);
      checked("getsockopt", getsockopt(fd, 1, 17, credentials, length)); // SOL_SOCKET, SO_PEERCRED
      return credentials.readUInt32LE(4);
    },
    sendDatagram: (address, bytes) => {
      if (address.length > 107) throw new PlatformError("refused", "a Unix socket's address has 107 bytes at most");
      const to = Buffer.alloc(2 + address.length + (address[0] === 0 ? 0 : 1));
      to.writeUInt16LE(1, 0); // AF_UNIX
      to.set(address, 2);
      const fd = checked("socket", socket(1, 0x80002, 0)); // SOCK_DGRAM | SOCK_CLOEXEC
      try {
        checked("sendto", sendto(fd, bytes, bytes.length, 0x4040, to, to.length)); // MSG_DONTWAIT | MSG_NOSIGNAL
      } finally {
        close(fd);
      }
    },
  };
}
