import type { Clock } from "#lib/clock.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import type { Outcome } from "#policy/outcome.ts";

/** How often the same is written down by itself, and the milliseconds in which that counts. */
const [freely, within] = [20, 60_000];
/** Kinds of repetition that are counted at once; what is past them is written down. */
const most = 1_000;

/** What happened so often that it is written down together: the last of it, and how often since when. */
export interface Repeated {
  readonly last: Outcome;
  readonly times: number;
  readonly since: Instant;
}

interface Counting {
  readonly began: Instant;
  /** Written down by themselves. */
  alone: number;
  together: { last: Outcome; times: number; readonly since: Instant } | undefined;
}

/**
 * A loop that starts a banned tool a hundred times a second must fill neither the disk nor anybody's list: of what becomes of one
 * ban and one person, some twenty a minute are written down each by itself, and the others together.
 */
export class Repeats {
  readonly #clock: Clock;
  readonly #counting = new Map<string, Counting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is to be written down by itself; else it is counted, and comes with `due`. */
  isAlone(outcome: Outcome): boolean {
    const { did, verdict, evidence } = outcome;
    const key = JSON.stringify([did, verdict.ban, verdict.mode, evidence.process?.uid ?? evidence.file?.owner]);
    const now = this.#clock.now();
    const counting = this.#counting.get(key) ?? { began: now, alone: 0, together: undefined };
    if (!this.#counting.has(key) && this.#counting.size >= most) return true;
    this.#counting.set(key, counting);
    if (counting.alone < freely) {
      counting.alone += 1;
      return true;
    }
    counting.together = {
      last: outcome,
      times: (counting.together?.times ?? 0) + 1,
      since: counting.together?.since ?? now,
    };
    return false;
  }

  /** What was counted in a minute that is over; in any minute, where the agent stops. */
  due(stopping = false): readonly Repeated[] {
    const over = instantOf(this.#clock.now() - within);
    const found: Repeated[] = [];
    for (const [key, { began, together }] of this.#counting) {
      // A clock that was set back must not hold anything back.
      if (!stopping && began > over && began <= over + within) continue;
      this.#counting.delete(key);
      if (together !== undefined) found.push(together);
    }
    return found;
  }
}
