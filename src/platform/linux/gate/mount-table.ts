import { closeSync, constants, openSync } from "node:fs";
import { readSmall } from "#platform/linux/read.ts";

/** open(2), asm-generic/fcntl.h: a place and not its file. Nobody is asked about it (fanotify(7)), and no device acts. */
const O_PATH = 0o10_000_000;

/** A descriptor that poll(2) wakes with POLLPRI when a filesystem is mounted or unmounted (proc_pid_mounts(5)). */
export function openMountTable(): number {
  return openSync("/proc/self/mountinfo", "r");
}

/**
 * What `use` makes of a path to just this mount, and of its open folder. The path leads there whatever is mounted or unmounted meanwhile; undefined where
 * `path` leads to no mount of this `id` (any more, or because another lies over it). @throws PlatformError, or what `use` throws
 */
export function onMount<T>(path: Uint8Array, id: string, use: (path: string, fd: number) => T): T | undefined {
  let fd;
  try {
    fd = openSync(Buffer.from(path), O_PATH | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const said = readSmall(`/proc/self/fdinfo/${fd}`, 4096)?.toString("latin1") ?? "";
    return /^mnt_id:\s*(\d+)$/m.exec(said)?.[1] === id ? use(`/proc/self/fd/${fd}`, fd) : undefined;
  } finally {
    closeSync(fd);
  }
}
