import koffi from "koffi";
import { constants } from "node:os";

// fcntl(2): asm-generic/fcntl.h, the same on x86-64 and arm64.
const [setSignal, setLease, readLock, unlock] = [10, 1024, 0, 2] as const;

/**
 * Binds the question whether nobody can write to an open regular file at this moment: neither through a descriptor nor
 * through a mapping that outlives one, both of which the kernel counts. False also where it cannot be known: no CAP_LEASE on
 * somebody else's file, leases switched off (/proc/sys/fs/leases-enable) or not offered by the filesystem, `fd` itself
 * not open for reading only.
 *
 * It takes a read lease, which the kernel gives only where nobody writes, and gives it back at once (fcntl(2), "Leases").
 * Whoever opens the file for writing in between waits for those microseconds.
 */
export function bindNoWriter(): (fd: number) => boolean {
  // Variadic in C; with integers only, a fixed prototype is the same call on both processors.
  const fcntl: (fd: number, command: number, argument: number) => number = koffi
    .load(null)
    .func("int fcntl(int fd, int command, long argument)");
  return (fd) => {
    // A lease that breaks sends SIGIO, which ends a process; SIGURG is ignored unless somebody asks for it (signal(7)).
    if (fcntl(fd, setSignal, constants.signals.SIGURG) < 0) return false;
    if (fcntl(fd, setLease, readLock) < 0) return false;
    fcntl(fd, setLease, unlock);
    return true;
  };
}
