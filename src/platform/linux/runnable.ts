import { existsSync, readFileSync } from "node:fs";
import { parseStatus } from "#platform/linux/proc.ts";

const CAP_DAC_OVERRIDE = 1n << 1n;
/** Filesystems of this machine's own disks and memory (linux/magic.h, and what their own sources say). */
const local: ReadonlySet<number> = new Set([
  0xef53, // ext2 to ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0xf2f52010, // f2fs
  0x2fc12fc1, // zfs
]);
/** struct statfs (statfs(2)) of 64-bit systems, in words of four bytes: where f_type and f_flags stand. */
const [fType, fFlags] = [0, 20] as const;
const [ST_NOEXEC, ST_VALID] = [0x08, 0x20] as const;

/**
 * Whether we may execute exactly what somebody may, so that access(2) answers for a file's mode: as root with its right to override
 * (capabilities(7): it may execute what has any bit for it), of this machine and no container's, where no policy of labels has a word.
 */
export function mayRunAnything(): boolean {
  const { uid, capabilities } = parseStatus(readFileSync("/proc/self/status"));
  const [inside, outside, count] = readFileSync("/proc/self/uid_map", "latin1").trim().split(/\s+/).map(Number);
  const isInitial = inside === 0 && outside === 0 && count === 2 ** 32 - 1; // user_namespaces(7)
  const isLabelled = existsSync("/sys/fs/selinux") || existsSync("/sys/fs/smackfs");
  return uid.effective === 0 && (capabilities & CAP_DAC_OVERRIDE) !== 0n && isInitial && !isLabelled;
}

/** Whether a filesystem lets run what its modes say, and asks no other machine or program: by what fstatfs(2) wrote. */
export function runsByMode(statfs: Uint32Array): boolean {
  const flags = statfs[fFlags] ?? 0;
  return local.has(statfs[fType] ?? 0) && (flags & ST_VALID) !== 0 && (flags & ST_NOEXEC) === 0;
}
