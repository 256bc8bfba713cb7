import type { ExecSeen } from "#platform/platform.ts";
import { ifReadable, statusLine } from "#platform/linux/identity.ts";
import { parseCmdline, type ProcStat } from "#platform/linux/proc.ts";
import { readSmall, statOf } from "#platform/linux/read.ts";

/** Arguments past this many bytes are not kept, and so many processes' at most: the oldest go first. */
const longest = 16 * 1024;
const most = 10_000;

interface Kept {
  readonly start: number;
  readonly layout: string;
  readonly argvBytes: readonly Uint8Array[];
}

/** What processes were started with. One can write over its own arguments later, as `process.title` does. */
export class ExecArguments {
  readonly #kept = new Map<number, Kept>();

  /** Keeps them if they are still the arguments of what runs under this pid: then the layout read in between is its own. */
  keep({ pid, argvBytes }: ExecSeen): void {
    this.#kept.delete(pid);
    if (argvBytes.reduce((sum, one) => sum + one.length, 0) > longest) return;
    const line = ifReadable(() => statusLine(pid));
    const again = ifReadable(() => readSmall(`/proc/${pid}/cmdline`, longest));
    if (line?.layout === undefined || again === undefined || !same(parseCmdline(again), argvBytes)) return;
    // Copies: what was read is a piece of a larger buffer.
    this.#kept.set(pid, {
      start: line.start,
      layout: line.layout,
      argvBytes: argvBytes.map((one) => Uint8Array.from(one)),
    });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > most && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** What the process was started with, if it runs the same program still: execve(2) places arguments anew. */
  of({ pid, start, layout }: ProcStat): readonly Uint8Array[] | undefined {
    const kept = this.#kept.get(pid);
    return kept !== undefined && kept.start === start && kept.layout === layout ? kept.argvBytes : undefined;
  }

  /** Forgets processes that have ended. `alive` were there a moment ago: they need not be looked for. */
  forgetEnded(alive: ReadonlySet<number>): void {
    for (const pid of this.#kept.keys())
      if (!alive.has(pid) && ifReadable(() => statOf(`/proc/${pid}`)) === undefined) this.#kept.delete(pid);
  }
}

function same(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one, i) => Buffer.compare(one, b[i] ?? Buffer.of()) === 0);
}
