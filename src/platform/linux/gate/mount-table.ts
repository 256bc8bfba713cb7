import { openSync } from "node:fs";

/** A descriptor that poll(2) wakes with POLLPRI when a filesystem is mounted or unmounted (proc_pid_mounts(5)). */
export function openMountTable(): number {
  return openSync("/proc/self/mountinfo", "r");
}
