import { setImmediate as turn } from "node:timers/promises";
import { ifReadable, pids, statusLine } from "#platform/linux/identity.ts";
import { parseCmdline, type ProcStat } from "#platform/linux/proc.ts";
import { readLink, readSmall } from "#platform/linux/read.ts";

/** How much of a command line tells one program's run from another's in a sweep. */
const cmdLimit = 4096;
/** Processes looked at before others have a turn: about a millisecond. */
const chunk = 100;

/** One process as far as a sweep needs it, without starting any other. */
export interface Glance {
  readonly line: ProcStat;
  readonly path: string;
  readonly cmd: string;
}
export type Glances = ReadonlyMap<number, Glance>;

function lookAt(pid: number, line: ProcStat): Glance {
  const path = line.kernel ? undefined : ifReadable(() => readLink(`/proc/${pid}/exe`));
  const cmd = line.kernel ? undefined : ifReadable(() => readSmall(`/proc/${pid}/cmdline`, cmdLimit));
  const words = parseCmdline(cmd ?? Buffer.of()).map((bytes) => Buffer.from(bytes).toString("utf8"));
  return { line, path: path?.toString("utf8") ?? "", cmd: words.join(" ") };
}

/** Whether it is the same process and has run no other program since. */
function isSame(a: ProcStat, b: ProcStat): boolean {
  if (a.start !== b.start || a.ppid !== b.ppid || a.comm !== b.comm) return false;
  return a.kernel || (a.layout !== undefined && a.layout === b.layout);
}

/** Looks at every process; what is as it was in `before` is the same object again. */
export async function glance(before: Glances): Promise<Glances> {
  const found = new Map<number, Glance>();
  for (const [i, pid] of pids().entries()) {
    if (i % chunk === chunk - 1) await turn();
    const line = ifReadable(() => statusLine(pid));
    if (line === undefined) continue;
    const known = before.get(pid);
    if (known !== undefined && isSame(known.line, line)) found.set(pid, known);
    else {
      const now = lookAt(pid, line);
      const equal = known?.line.start === line.start && known.path === now.path && known.cmd === now.cmd;
      found.set(pid, equal && known.line.ppid === line.ppid ? known : now);
    }
  }
  return found;
}
