import type { Clock } from "#lib/clock.ts";
import { parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Given } from "#observe/given.ts";
import type { Identifier } from "#observe/identify.ts";
import { eachOf } from "#observe/pool.ts";
import { PlatformError, type Platform, type ProcessDetail, type ProcessRow } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";

/** Processes identified at the same time: one that runs a file of 300 MB delays three others, not all. */
const together = 4;

export interface Sweep {
  /** How many processes there were. */
  readonly processes: number;
  /** How many of them were new or had changed, and were looked at. */
  readonly inspected: number;
  /** How many could not be looked at, and the first reason. */
  readonly unreadable: number;
  readonly why: string | undefined;
}

interface Known {
  /** What a sweep said of it; when that changes it is looked at again. */
  readonly row: string;
  /** Why it could not be read. */
  unreadable: string | undefined;
}

/**
 * Finds processes by sweeps: what a row says anew is inspected, and evidence is given once for each (pid, start time,
 * program, script).
 */
export class ProcessWatch {
  readonly #platform: Platform;
  readonly #clock: Clock;
  readonly #known = new Map<number, Known>();
  readonly #give: (evidence: Evidence) => void;
  readonly #given: Given;
  /** When the last whole sweep began: what it did not see has started since. */
  #began: Instant | undefined;
  #again = false;

  constructor(options: {
    readonly platform: Platform;
    readonly clock: Clock;
    readonly give: (evidence: Evidence) => void;
    /** What was given by others, too. */
    readonly given: Given;
  }) {
    this.#platform = options.platform;
    this.#clock = options.clock;
    this.#give = options.give;
    this.#given = options.given;
  }

  /** Everything that runs is given again by the next sweep: it was judged by another policy or stage. */
  lookAgain(): void {
    this.#again = true;
  }

  /** Whether the next sweep gives everything again. */
  get owed(): boolean {
    return this.#again;
  }

  /** Looks at every process once. `activatedAt`: since when the policy is in force; asked each time, for it can change meanwhile. */
  async sweep(identifier: Identifier, activatedAt: () => Instant, signal?: AbortSignal): Promise<Sweep> {
    const began = this.#clock.now();
    const before = this.#began;
    const again = this.#again;
    this.#again = false;
    this.#given.listing();
    const rows = await this.#platform.processes();
    const present = new Set(rows.map((row) => row.pid));
    for (const pid of this.#known.keys()) if (!present.has(pid)) this.#known.delete(pid);
    this.#given.forgetAllBut(present);

    const changed = rows.filter((row) => again || this.#known.get(row.pid)?.row !== rowText(row));
    await eachOf(
      changed,
      together,
      async (row) => {
        const known: Known = { row: rowText(row), unreadable: undefined };
        this.#known.set(row.pid, known);
        const detail = await this.#inspect(row.pid, known);
        if (detail === undefined) return;
        const seen = await identifier.process(detail, "process");
        const judgedBefore = this.#given.again(seen);
        if (judgedBefore && !again) return;
        const started = !judgedBefore && isSince(detail, before, activatedAt());
        this.#give(started ? { ...seen, kind: "exec" } : seen);
      },
      signal,
    );
    this.#began = began;
    const unreadable = [...this.#known.values()].flatMap((k) => k.unreadable ?? []);
    return { processes: rows.length, inspected: changed.length, unreadable: unreadable.length, why: unreadable[0] };
  }

  async #inspect(pid: number, known: Known): Promise<ProcessDetail | undefined> {
    try {
      return await this.#platform.inspect(pid);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      known.unreadable = error.message;
      return undefined;
    }
  }
}

/** Whether a program that the last sweep did not see has started since the policy is in force, be it while the agent was down. */
function isSince(detail: ProcessDetail, lastSweep: Instant | undefined, activatedAt: Instant): boolean {
  if (lastSweep !== undefined && lastSweep >= activatedAt) return true;
  const { startedAt } = detail.process;
  return startedAt !== undefined && parseInstant(startedAt) >= activatedAt;
}

function rowText(row: ProcessRow): string {
  return `${row.started} ${row.path}\0${row.cmd}`;
}
