import { readdirSync } from "node:fs";
import { PlatformError } from "#platform/platform.ts";
import type { ProcessSeen } from "#policy/evidence.ts";
import type { ProcessId } from "#policy/outcome.ts";
import { bootTimeNow } from "#platform/linux/boot.ts";
import { deviceText, parseStat, parseStatus, startedAt, terminalName, type ProcStat } from "#platform/linux/proc.ts";
import { readOnce, readSmall, statOf } from "#platform/linux/read.ts";

/** Every pid there is, this moment. */
export function pids(): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isSafeInteger(pid) && pid > 0);
}

/** Undefined when it has gone. @throws PlatformError */
export function statusLine(pid: number): ProcStat | undefined {
  const bytes = readOnce(`/proc/${pid}/stat`, 1024);
  return bytes === undefined || bytes.length === 0 ? undefined : parseStat(bytes);
}

/** What a line of /proc says of a process and where it sits. */
export function processOf(line: ProcStat, uid: number): ProcessSeen {
  const { pid, start, ppid, session, tty } = line;
  return { pid, start, startedAt: startedAt(bootTimeNow(), start), ppid, session, uid, tty: terminalName(tty) };
}

/** The real uid. Undefined when it has gone. @throws PlatformError */
export function realUid(pid: number): number | undefined {
  const bytes = readSmall(`/proc/${pid}/status`, 16_384);
  return bytes === undefined || bytes.length === 0 ? undefined : parseStatus(bytes).uid.real;
}

/**
 * Who runs under this pid now: start time and program together (law 2). Undefined when it has gone, is a zombie, or is a
 * kernel thread. @throws PlatformError `denied` where this user may not look.
 */
export function identityOf(pid: number): ProcessId | undefined {
  const program = statOf(`/proc/${pid}/exe`);
  const line = program === undefined ? undefined : statusLine(pid);
  if (program === undefined || line === undefined) return undefined;
  return { pid, start: line.start, dev: deviceText(program.dev), ino: String(program.ino) };
}

/** Runs a look that may be forbidden, or find something that no buffer holds (a path past 4 KiB): undefined then. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlatformError) return undefined;
    throw error;
  }
}
