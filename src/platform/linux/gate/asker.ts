import type { ProcessSeen } from "#policy/evidence.ts";
import { ifReadable, processOf, realUid, statusLine } from "#platform/linux/identity.ts";
import { readLink } from "#platform/linux/read.ts";

/** Whoever waits for an answer. It has forked already and not yet begun the program that it asks for (execve(2)). */
export function asker(pid: number): ProcessSeen | undefined {
  if (pid <= 0) return undefined;
  const line = ifReadable(() => statusLine(pid));
  const uid = ifReadable(() => realUid(pid));
  if (line === undefined || uid === undefined) return undefined;
  return processOf(line, uid);
}

export function programOf(pid: number): string | undefined {
  return pid <= 0 ? undefined : ifReadable(() => readLink(`/proc/${pid}/exe`))?.toString("utf8");
}
