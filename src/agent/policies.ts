import { describe } from "#lib/errors.ts";
import type { Clock } from "#lib/clock.ts";
import { formatInstant, instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { State } from "#agent/state.ts";
import { noPolicy } from "#policy/ban.ts";
import { compile, type Matcher, type Wanted } from "#policy/compile.ts";
import type { Seen } from "#policy/evidence.ts";
import { lint, type Finding } from "#policy/lint.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import type { Os } from "#policy/text.ts";
import type { Generation } from "#trust/generation.ts";

/** The policy in force. Swapped whole; nobody sees half of one. */
export interface Current {
  readonly matcher: Matcher;
  readonly wanted: Wanted;
  /** Whether what was read of a file shows any identity that this policy asks for. */
  readonly matters: (seen: Seen) => boolean;
  /** The signed version; 0 before the first. */
  readonly version: number;
  /** Since when it is in force on this device. */
  readonly activatedAt: Instant;
  /** What may hurt here, from lint, with this machine's vital programs. */
  readonly findings: readonly Finding[];
}

export type Activation =
  | { readonly activated: true; readonly current: Current }
  | { readonly activated: false; readonly why: string };

/** Before the first policy, nothing has started under one (ECMA-262 21.4.1.1: the last instant there is). */
const never = instantOf(8.64e15);

/** How far a signed time may lead the system's clock and still be believed (TRUST.md, "Time"). */
export const lead = 24 * 3_600_000;

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
  #current: Current;

  /** `floor`: the newest time that a signature vouches for. */
  constructor(options: { clock: Clock; state: State; vital: readonly string[]; floor: () => Instant; os: Os }) {
    this.#clock = options.clock;
    this.#state = options.state;
    this.#vital = options.vital;
    this.#floor = options.floor;
    this.#os = options.os;
    const matcher = compile(noPolicy, { formatVersion: 1, tools: [] });
    this.#current = this.#made(matcher, 0, never, []);
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

  activate(generation: Generation): Activation {
    if (generation.version === this.#current.version) return { activated: true, current: this.#current };
    try {
      const policy = parsePolicy(generation.policy, { newer: "tolerate" });
      const catalog = parseCatalog(generation.catalog);
      const matcher = compile(policy, catalog);
      const findings = lint(policy, catalog, { vital: this.#vital });
      const activatedAt = this.#since(generation.version);
      this.#current = this.#made(matcher, generation.version, activatedAt, findings);
      return { activated: true, current: this.#current };
    } catch (error) {
      return { activated: false, why: describe(error) };
    }
  }

  #made(matcher: Matcher, version: number, activatedAt: Instant, findings: readonly Finding[]): Current {
    const matters = (seen: Seen): boolean => matcher.claims(seen, this.#os).length > 0;
    return { matcher, wanted: matcher.wanted, matters, version, activatedAt, findings };
  }

  /** The same version keeps its instant over a restart: who started a banned tool meanwhile is not "already running". */
  #since(version: number): Instant {
    const known = this.#state.read().activated;
    const at = this.now();
    // An instant that is still to come was written by a clock that was wrong.
    if (known?.version === version && parseInstant(known.at) <= at) return parseInstant(known.at);
    this.#state.write({ activated: { version, at: formatInstant(at) } });
    return at;
  }
}
