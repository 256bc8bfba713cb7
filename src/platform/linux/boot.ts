import { readFileSync } from "node:fs";
import type { Boot } from "#platform/platform.ts";

/** random(4): a new boot_id at each start of the machine. */
export function bootNow(): Boot {
  return { id: readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(), seconds: uptime() };
}

/**
 * When this machine booted, in seconds since 1970: the clock less the uptime (proc(5), /proc/uptime, to 10 ms).
 * `btime` in /proc/stat is cut to whole seconds, too coarse to tell what was started before a policy from what came after.
 */
export function bootTimeNow(): number {
  return Temporal.Now.instant().epochMilliseconds / 1000 - uptime();
}

function uptime(): number {
  return Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
}
