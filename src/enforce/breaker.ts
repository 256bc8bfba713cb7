import type { Clock } from "#lib/clock.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Verdict } from "#policy/verdict.ts";

/** `limits.breaker` of the policy; the window in milliseconds. */
export interface BreakerLimits {
  readonly programs: number;
  readonly window: number;
}

/**
 * The circuit breaker of law 6: a ban that stops `programs` different programs of root or of packages within the window
 * hits too much, and is opened until the next policy. What a user copied is never counted: twenty copies of one banned
 * tool are twenty stops, and rightly so. It knows no system and no timer; memory is bounded by bans × programs.
 */
export class Breaker {
  readonly #clock: Clock;
  #limits: BreakerLimits;
  /** Ban → program → when it was last stopped, in milliseconds. */
  readonly #stopped = new Map<string, Map<string, number>>();
  #open: ReadonlySet<string> = new Set();

  constructor(clock: Clock, limits: BreakerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** A new policy: all closed, all forgotten. */
  reset(limits: BreakerLimits): void {
    this.#limits = limits;
    this.#stopped.clear();
    this.#open = new Set();
  }

  /** The ids of bans that hit too much; a value to hand to `decide` as the device's `breakers`. */
  open(): ReadonlySet<string> {
    return this.#open;
  }

  /** One stop or denial. True when it opened the ban: judge everything again, and forget the ban's graces. */
  count({ ban, mode }: Verdict, evidence: Evidence): boolean {
    const program = programOf(evidence);
    const stops = mode === "warn" || mode === "block" || mode === "remove";
    if (ban === null || !stops || program === undefined || this.#open.has(ban)) return false;
    const now = this.#clock.now();
    const programs = this.#stopped.get(ban) ?? new Map<string, number>();
    this.#stopped.set(ban, programs);
    for (const [seen, at] of programs) if (now - at >= this.#limits.window) programs.delete(seen);
    programs.set(program, now);
    if (programs.size < this.#limits.programs) return false;
    this.#stopped.delete(ban);
    this.#open = new Set([...this.#open, ban]);
    return true;
  }
}

/** What is counted once: root's file by device and inode, another's by the package it belongs to, else nothing. */
function programOf({ file, script, seen }: Evidence): string | undefined {
  const judged = script ?? file;
  if (judged?.owner === 0) return judged.ino === undefined ? judged.path : `${judged.dev ?? ""}:${judged.ino}`;
  if (!("value" in seen.package)) return undefined;
  return seen.package.value.map((p) => `${p.ecosystem}:${p.id}`).toSorted()[0];
}
