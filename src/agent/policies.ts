import { setImmediate as turn } from "node:timers/promises";
import { describe } from "#lib/errors.ts";
import type { Clock } from "#lib/clock.ts";
import type { Pieces } from "#lib/pure/pieces.ts";
import { formatInstant, instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Grouping, Groups } from "#agent/groups.ts";
import type { State } from "#agent/state.ts";
import { noPolicy } from "#policy/ban.ts";
import { compile, type Matcher, type Wanted } from "#policy/compile.ts";
import type { Conflict } from "#policy/conflict.ts";
import type { Seen } from "#policy/evidence.ts";
import { lead } from "#policy/granted.ts";
import { lintInPieces, type Finding } from "#policy/lint.ts";
import { readyInPieces } from "#policy/ready.ts";
import type { Os } from "#policy/text.ts";
import type { Generation } from "#trust/generation.ts";

/** The policy in force. Swapped whole; nobody sees half of one. */
export interface Current {
  readonly matcher: Matcher;
  readonly wanted: Wanted;
  /** Whether what was read of a file shows any identity that this policy asks for. */
  readonly matters: (seen: Seen) => boolean;
  /** Of everything that is in force here; empty before the first. */
  readonly id: string;
  /** The same bans have the same, whatever exceptions there are. */
  readonly policyId: string;
  /** The signed version of the base policy; 0 before the first. */
  readonly version: number;
  /** Since when these bans are in force on this device. */
  readonly activatedAt: Instant;
  /** What may hurt here, from lint, with this machine's vital programs. */
  readonly findings: readonly Finding[];
  /** What was signed and does not count here. */
  readonly conflicts: readonly Conflict[];
  readonly grouping: Grouping;
}

export type Activation =
  | { readonly activated: true; readonly current: Current }
  | { readonly activated: false; readonly why: string };

/** Before the first policy, nothing has started under one (ECMA-262 21.4.1.1: the last instant there is). */
const never = instantOf(8.64e15);

/**
 * Verified bytes in, the policy in force out. What does not parse or compile is refused, and the last good one stays
 * (law 7). Knows no network and no signatures.
 */
export class Policies {
  readonly #clock: Clock;
  readonly #state: State;
  readonly #vital: readonly string[];
  readonly #floor: () => Instant;
  readonly #os: Os;
  readonly #groups: Groups;
  #current: Current;
  /** Ends with the last activation that was asked for. */
  #last: Promise<unknown> = Promise.resolve();

  /** `floor`: the newest time that a signature vouches for. */
  constructor(options: {
    clock: Clock;
    state: State;
    vital: readonly string[];
    floor: () => Instant;
    os: Os;
    groups: Groups;
  }) {
    this.#clock = options.clock;
    this.#state = options.state;
    this.#vital = options.vital;
    this.#floor = options.floor;
    this.#os = options.os;
    this.#groups = options.groups;
    this.#current = {
      ...this.#made(compile(noPolicy, { formatVersion: 1, tools: [] })),
      id: "",
      policyId: "",
      version: 0,
      activatedAt: never,
      findings: [],
      conflicts: [],
      grouping: this.#groups.by(undefined),
    };
  }

  current(): Current {
    return this.#current;
  }

  /** The time by which stages and exceptions are judged: a clock that was set back cannot undo what a signature dates. */
  now(): Instant {
    const system = this.#clock.now();
    const floor = this.#floor();
    return floor > system && floor - system <= lead ? floor : system;
  }

  /**
   * In pieces, so that evidence is judged and questions are answered meanwhile, by what is in force until then. One after the
   * other, as they were asked for.
   * @param atOnce called in the very turn in which it comes into force, before anybody is judged by it
   */
  activate(generation: Generation, atOnce: (current: Current) => void = () => undefined): Promise<Activation> {
    const next = this.#last.then(() => this.#activate(generation, atOnce));
    this.#last = next.catch(() => undefined); // whoever asked for it hears of it
    return next;
  }

  async #activate(generation: Generation, atOnce: (current: Current) => void): Promise<Activation> {
    const { id, policyId, version } = generation;
    if (id === this.#current.id) return { activated: true, current: this.#current };
    try {
      const grouping = this.#groups.by(generation.devices);
      await turn();
      const { matcher, catalog, conflicts } = await inTurns(readyInPieces(generation, grouping.whom));
      await turn();
      const findings = await inTurns(lintInPieces(matcher, catalog, { vital: this.#vital, vouched: grouping.vouched }));
      const activatedAt = this.#since(policyId);
      const of = { id, policyId, version, activatedAt, findings, conflicts, grouping };
      this.#current = { ...this.#made(matcher), ...of };
    } catch (error) {
      return { activated: false, why: describe(error) };
    }
    atOnce(this.#current);
    return { activated: true, current: this.#current };
  }

  #made(matcher: Matcher): Pick<Current, "matcher" | "wanted" | "matters"> {
    const matters = (seen: Seen): boolean => matcher.claims(seen, this.#os).length > 0;
    return { matcher, wanted: matcher.wanted, matters };
  }

  /** The same bans keep their instant over a restart and over exceptions: who started a banned tool meanwhile is not "already running". */
  #since(policyId: string): Instant {
    const known = this.#state.read().activated;
    const at = this.now();
    // An instant that is still to come was written by a clock that was wrong.
    if (known?.policy === policyId && parseInstant(known.at) <= at) return parseInstant(known.at);
    this.#state.write({ activated: { policy: policyId, at: formatInstant(at) } });
    return at;
  }
}

/** Each piece in a turn of the event loop of its own. */
async function inTurns<T>(pieces: Pieces<T>): Promise<T> {
  for (;;) {
    const piece = pieces.next();
    if (piece.done === true) return piece.value;
    await turn();
  }
}
