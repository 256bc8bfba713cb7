import { readFileSync } from "node:fs";

/**
 * When this machine booted, in seconds since 1970: the clock less the uptime (proc(5), /proc/uptime, to 10 ms).
 * `btime` in /proc/stat is cut to whole seconds, too coarse to tell what was started before a policy from what came after.
 */
export function bootTimeNow(): number {
  const uptime = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
  return Temporal.Now.instant().epochMilliseconds / 1000 - uptime;
}
