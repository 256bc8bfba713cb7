import type { Clock } from "#lib/clock.ts";
import { parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Given } from "#observe/given.ts";
import type { Identifier } from "#observe/identify.ts";
import { eachOf } from "#observe/pool.ts";
import { PlatformError, type Platform, type ProcessDetail, type ProcessRow } from "#platform/platform.ts";
import type { Evidence, ProcessSeen } from "#policy/evidence.ts";

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
  readonly #here: Instant;
  readonly #absentSince: Instant | undefined;
  /** Start times by pid, of what the first sweep found and was started while nobody watched: its policy may not stand any more. */
  readonly #unsure = new Map<number, number>();
  #stands = false;

  constructor(options: {
    readonly platform: Platform;
    readonly clock: Clock;
    readonly give: (evidence: Evidence) => void;
    /** What was given by others, too. */
    readonly given: Given;
    /** Since when nobody watched; undefined where that is not known, and nobody is taken to have started something then. */
    readonly absentSince?: Instant | undefined;
  }) {
    this.#platform = options.platform;
    this.#clock = options.clock;
    this.#give = options.give;
    this.#given = options.given;
    this.#absentSince = options.absentSince;
    this.#here = options.clock.now();
  }

  /** Everything that runs is given again by the next sweep: it was judged by another policy or stage. */
  lookAgain(): void {
    this.#again = true;
  }

  /**
   * The policy in force is known to stand. The next sweep gives what was started under it while nobody watched again, as an exec:
   * until now it may have been withdrawn meanwhile.
   */
  confirm(): void {
    this.#stands = true;
  }

  /** Whether the next sweep gives again what was given. */
  get owed(): boolean {
    return this.#again || (this.#stands && this.#unsure.size > 0);
  }

  /** Looks at every process once. `activatedAt`: since when the policy is in force; asked each time, for it can change meanwhile. */
  async sweep(identifier: Identifier, activatedAt: () => Instant, signal?: AbortSignal): Promise<Sweep> {
    const began = this.#clock.now();
    const before = this.#began;
    const again = this.#again;
    this.#again = false;
    const stands = this.#stands; // what was wanted when this sweep began may have been no policy yet
    this.#given.listing();
    const rows = await this.#platform.processes();
    const present = new Set(rows.map((row) => row.pid));
    for (const map of [this.#known, this.#unsure]) for (const pid of map.keys()) if (!present.has(pid)) map.delete(pid);
    this.#given.forgetAllBut(present);

    const isDue = ({ pid }: ProcessRow): boolean => again || (stands && this.#unsure.has(pid));
    const changed = rows.filter((row) => isDue(row) || this.#known.get(row.pid)?.row !== rowText(row));
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
        const started = this.#isNews(detail.process, judgedBefore, before)
          ? isSince(detail.process, before, activatedAt())
          : stands && this.#isFromAbsence(detail.process) && isSince(detail.process, undefined, activatedAt());
        if (judgedBefore && !again && !started) return;
        this.#give(started ? { ...seen, kind: "exec" } : seen);
      },
      signal,
    );
    this.#began = began;
    if (stands) this.#unsure.clear(); // whoever could not be looked at again
    const unreadable = [...this.#known.values()].flatMap((k) => k.unreadable ?? []);
    return { processes: rows.length, inspected: changed.length, unreadable: unreadable.length, why: unreadable[0] };
  }

  /** Whether it has begun while we watched. What was started while nobody did is noted. */
  #isNews({ pid, start, startedAt }: ProcessSeen, judgedBefore: boolean, lastSweep: Instant | undefined): boolean {
    if (judgedBefore) return false;
    this.#unsure.delete(pid);
    if (lastSweep !== undefined) return true;
    if (startedAt === undefined) return false;
    const at = parseInstant(startedAt);
    if (at >= this.#here) return true;
    if (this.#absentSince !== undefined && at >= this.#absentSince) this.#unsure.set(pid, start);
    return false;
  }

  /** Whether it was started while nobody watched: said once. */
  #isFromAbsence({ pid, start }: ProcessSeen): boolean {
    return this.#unsure.get(pid) === start && this.#unsure.delete(pid);
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

/** Whether a program that the last sweep did not see has started since the policy is in force. */
function isSince({ startedAt }: ProcessSeen, lastSweep: Instant | undefined, activatedAt: Instant): boolean {
  if (lastSweep !== undefined && lastSweep >= activatedAt) return true;
  return startedAt !== undefined && parseInstant(startedAt) >= activatedAt;
}

function rowText(row: ProcessRow): string {
  return `${row.started} ${row.path}\0${row.cmd}`;
}
