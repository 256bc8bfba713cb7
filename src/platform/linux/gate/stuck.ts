import { read, readdirSync } from "node:fs";
import { promisify } from "node:util";
import { systemCode } from "#lib/errors.ts";
import { programOf } from "#platform/linux/gate/asker.ts";
import { eventBytes, parseEvents, responseOf } from "#platform/linux/gate/event.ts";
import { markFlags } from "#platform/linux/gate/marks.ts";
import { openGateKernel, type GateKernel } from "#platform/linux/gate/kernel.ts";
import { ifReadable, pids } from "#platform/linux/identity.ts";
import type { Libc } from "#platform/linux/libc.ts";
import { isBeingKilled } from "#platform/linux/proc.ts";
import { readLink, readSmall } from "#platform/linux/read.ts";

const readInPool = promisify(read);

/**
 * Whether the kernel has been told to end a process and has not: it waits for a disk, and no signal ends that wait (state D of
 * proc_pid_status(5)). What it holds it goes on holding.
 */
export function cannotEnd(pid: number): boolean {
  const status = ifReadable(() => readSmall(`/proc/${pid}/status`, 16_384));
  return status !== undefined && status.length > 0 && isBeingKilled(status);
}

/** Gates of ours that an agent before this one left in that state. */
export function leftStuck(): readonly number[] {
  const own = programOf(process.pid);
  return pids().filter((pid) => programOf(pid) === own && cannotEnd(pid));
}

/**
 * Lets everybody go who waits for a gate that cannot end: its group is borrowed (pidfd_getfd(2)), asks for nothing from then on, and whatever it
 * has asked is allowed. That it asks no more is settled before anything else of this process has its turn: a child that was forked meanwhile
 * would hold the group, and wait for it. @throws PlatformError, or a system's error
 */
export async function letGo(pid: number, libc: Libc): Promise<void> {
  const kernel = openGateKernel();
  const pidfd = libc.pidfdOpen(pid);
  try {
    const fds = readdirSync(`/proc/${pid}/fd`).map(Number);
    const isGroup = (fd: number): boolean =>
      ifReadable(() => readLink(`/proc/${pid}/fd/${fd}`))?.toString("latin1") === "anon_inode:[fanotify]";
    for (const fd of fds.filter(isGroup)) await allowAll(libc.pidfdGetfd(pidfd, fd), fds, kernel);
  } finally {
    libc.close(pidfd);
  }
}

/** @param asked numbers that the gate's own descriptors have: those of its questions are among them */
async function allowAll(group: number, asked: readonly number[], kernel: GateKernel): Promise<void> {
  const allow = (fd: number): void => kernel.respond(group, responseOf(fd, "allow", false));
  try {
    for (const kind of [markFlags.filesystem, 0]) kernel.markPath(group, markFlags.flush | kind, 0, Buffer.from("/"));
    for (const fd of asked) allow(fd);
    const event = Buffer.alloc(eventBytes);
    for (;;) {
      // One at a time, and not in this thread: to tell of a question the kernel opens its file, which may stand still itself.
      const { bytesRead } = await readInPool(group, event, 0, eventBytes, null);
      for (const one of parseEvents(event.subarray(0, bytesRead))) {
        if (one.what === "overflow") continue;
        allow(one.fd);
        kernel.close(one.fd);
      }
    }
  } catch (error) {
    if (systemCode(error) !== "EAGAIN") throw error; // that was the last
  } finally {
    kernel.close(group);
  }
}
