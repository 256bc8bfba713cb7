import type { Evidence } from "#policy/evidence.ts";

interface Entry {
  readonly text: string;
  readonly round: number;
}

/** Which evidence of running programs was given, so that it is given once, whoever saw it first. */
export class Given {
  readonly #of = new Map<number, Entry>();
  #round = 0;

  /** Whether this program of this process, with this script, is what was given last; from now on it is. */
  again(evidence: Evidence): boolean {
    const { process, file, script } = evidence;
    if (process === undefined) return false;
    const text = [process.start, file?.dev, file?.ino, script?.dev, script?.ino].join(" ");
    const before = this.#of.get(process.pid)?.text === text;
    this.#of.set(process.pid, { text, round: this.#round });
    return before;
  }

  /** Call when a list of processes begins to be made: `forgetAllBut` then keeps what is given while it is made. */
  listing(): void {
    this.#round += 1;
  }

  /** Forgets processes that have ended. */
  forgetAllBut(pids: ReadonlySet<number>): void {
    for (const [pid, { round }] of this.#of) if (!pids.has(pid) && round < this.#round) this.#of.delete(pid);
  }
}
