import { PlatformError } from "#platform/platform.ts";

// Pure parsers for proc(5): bytes in, values out. Reading the files is done elsewhere.

/** What we take from /proc/PID/stat. */
export interface ProcStat {
  readonly pid: number;
  /** The thread's name, at most 15 bytes: any bytes at all, chosen by the process. */
  readonly comm: string;
  /** R, S, D, Z (zombie), T, X … */
  readonly state: string;
  readonly ppid: number;
  /** Field 6. */
  readonly session: number;
  /** Field 7: the device number of the controlling terminal, 0 for none. */
  readonly tty: number;
  /** From field 9, PF_KTHREAD of the kernel's sched.h: such a thread has no program. */
  readonly kernel: boolean;
  /** Field 22: ticks since boot. Survives exec. */
  readonly start: number;
  /**
   * Where the program, its arguments and environment lie (fields 26 to 28 and 45 to 51): execve(2) places them anew.
   * Undefined where this user may not know.
   */
  readonly layout: string | undefined;
}

function malformed(what: string): PlatformError {
  return new PlatformError("failed", `/proc says something unexpected: ${what}`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** proc_pid_stat(5). The name may hold spaces, brackets and newlines: it ends at the last ")". @throws PlatformError */
export function parseStat(bytes: Uint8Array): ProcStat {
  const text = latin1(bytes);
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) throw malformed("stat has no name");
  const fields = text.slice(close + 2).split(" ");
  const number = (field: number): number => {
    const value = Number(fields[field - 3] ?? "");
    if (fields[field - 3] === undefined || !Number.isSafeInteger(value)) throw malformed(`field ${field} of stat`);
    return value;
  };
  const pid = Number(text.slice(0, open));
  if (!Number.isSafeInteger(pid) || pid <= 0) throw malformed("stat's pid");
  return {
    pid,
    comm: Buffer.from(text.slice(open + 1, close), "latin1").toString("utf8"),
    state: fields[0] ?? "",
    ppid: number(4),
    session: number(6),
    tty: number(7),
    kernel: (number(9) & 0x20_0000) !== 0,
    start: number(22),
    layout: Number(fields[48 - 3]) === 0 ? undefined : [...fields.slice(23, 26), ...fields.slice(42, 49)].join(" "),
  };
}

/**
 * proc_pid_cmdline(5): strings that end with NUL; a process may have written anything over it. Empty for a zombie.
 * Empty ones at the end are left out: nothing tells them from what `process.title` wiped.
 */
export function parseCmdline(bytes: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
    found.push(bytes.subarray(from, end));
    from = end + 1;
  }
  if (from < bytes.length) found.push(bytes.subarray(from));
  return found.slice(0, found.findLastIndex((one) => one.length > 0) + 1);
}

export interface ProcStatus {
  readonly uid: { readonly real: number; readonly effective: number };
  /** Effective capabilities, capabilities(7). */
  readonly capabilities: bigint;
}

/** proc_pid_status(5). @throws PlatformError */
export function parseStatus(bytes: Uint8Array): ProcStatus {
  const lines = linesOf(bytes);
  const [real, effective] = valueOf(lines, "Uid").split("\t").map(Number);
  if (!Number.isSafeInteger(real) || !Number.isSafeInteger(effective)) throw malformed("status's Uid");
  return { uid: { real: real ?? 0, effective: effective ?? 0 }, capabilities: bitsOf(lines, "CapEff") };
}

/**
 * Of a status file: whether a SIGTERM from outside is dropped. The first process of a pid namespace hears of no signal that it
 * has no handler for, but SIGKILL and SIGSTOP (pid_namespaces(7)); one that is blocked is kept for it (signal(7)), and may be
 * taken by sigwait(3). @throws PlatformError
 */
export function dropsTerm(bytes: Uint8Array): boolean {
  const lines = linesOf(bytes);
  const pids = lines.find((line) => line.startsWith("NSpid:\t"))?.split("\t"); // none where there are no namespaces
  if (pids === undefined || pids.length < 3 || pids.at(-1) !== "1") return false;
  const SIGTERM = 1n << 14n;
  return ((bitsOf(lines, "SigCgt") | bitsOf(lines, "SigBlk")) & SIGTERM) === 0n;
}

/** Of a status file: whether SIGKILL was sent and has not ended it yet (signal(7)). @throws PlatformError */
export function isBeingKilled(bytes: Uint8Array): boolean {
  const lines = linesOf(bytes);
  const SIGKILL = 1n << 8n;
  return ((bitsOf(lines, "SigPnd") | bitsOf(lines, "ShdPnd")) & SIGKILL) !== 0n;
}

/** The kernel escapes newlines in the name, so lines are lines. */
function linesOf(bytes: Uint8Array): readonly string[] {
  return latin1(bytes).split("\n");
}

function valueOf(lines: readonly string[], name: string): string {
  const line = lines.find((l) => l.startsWith(`${name}:\t`));
  if (line === undefined) throw malformed(`status has no ${name}`);
  return line.slice(name.length + 2);
}

function bitsOf(lines: readonly string[], name: string): bigint {
  const digits = valueOf(lines, name).trim();
  if (!/^[0-9a-f]{1,16}$/.test(digits)) throw malformed(`status's ${name}`);
  return BigInt(`0x${digits}`);
}

/** NAME=value strings of /proc/PID/environ as the process was started with; the first of a name counts, as for getenv(3). */
export function parseEnviron(bytes: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of parseCmdline(bytes)) {
    const text = Buffer.from(entry).toString("utf8");
    const at = text.indexOf("=");
    if (at > 0 && !found.has(text.slice(0, at))) found.set(text.slice(0, at), text.slice(at + 1));
  }
  return found;
}

/** The terminal of field 7 of stat, or null for none. Numbers: Documentation/admin-guide/devices.txt. */
export function terminalName(device: number): string | null {
  if (device === 0) return null;
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `/dev/pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `/dev/tty${minor}` : `/dev/ttyS${minor - 64}`;
  return `/dev/char/${major}:${minor}`;
}

/** stat(2)'s device number as "major:minor" (gnu_dev_major(3)). */
export function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

// USER_HZ is 100 on every processor that Node runs on, whatever the kernel's own HZ.
export const ticksPerSecond = 100;

/** ISO 8601 of a start time in ticks. @throws RangeError when the numbers are absurd. */
export function startedAt(bootTime: number, start: number): string {
  return Temporal.Instant.fromEpochMilliseconds(
    Math.round(bootTime * 1000 + (start * 1000) / ticksPerSecond),
  ).toString();
}
