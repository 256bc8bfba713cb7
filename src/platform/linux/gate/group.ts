import { readdirSync } from "node:fs";
import { PlatformError } from "#platform/platform.ts";
import type { GateKernel } from "#platform/linux/gate/kernel.ts";
import { SystemCallError } from "#platform/linux/libc.ts";

// fanotify_init(2)
const FAN_CLOEXEC = 1;
const FAN_NONBLOCK = 2;
const FAN_CLASS_CONTENT = 4;
/** Past the kernel's usual bound it would let programs start unasked; each question in the queue is a process that waits. */
const FAN_UNLIMITED_QUEUE = 0x10;
const FAN_ENABLE_AUDIT = 0x40;
const O_CLOEXEC = 0o2_000_000;
/** Without it the kernel denies every program past 2 GiB by itself (EOVERFLOW). Its value differs between processors. */
const O_LARGEFILE = process.arch === "arm64" ? 0o400_000 : 0o100_000;

/** Questions held at once; the kernel keeps the others. */
const mostHeld = 4096;
/** Descriptors that stay free for /proc and the unforeseen. */
const reserve = 6;

/** With denials in the kernel's audit log, where it lets us (CAP_AUDIT_WRITE, CONFIG_AUDITSYSCALL). */
export function openGroup(kernel: GateKernel): readonly [number, boolean] {
  const flags = FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_CLOEXEC | FAN_NONBLOCK;
  for (const audit of [true, false]) {
    try {
      return [kernel.init(audit ? flags | FAN_ENABLE_AUDIT : flags, O_CLOEXEC | O_LARGEFILE), audit];
    } catch (error) {
      if (!audit || !(error instanceof SystemCallError)) throw error;
    }
  }
  throw new PlatformError("failed", "no fanotify group");
}

/** How many questions can be held: where no descriptor is free the kernel denies by itself. @throws PlatformError `limit` */
export function roomFor(limit: number): number {
  const room = Math.min(mostHeld, limit - readdirSync("/proc/self/fd").length - reserve);
  if (room < 1) throw new PlatformError("limit", `with ${limit} descriptors the kernel would deny programs by itself`);
  return room;
}
