import type { Clock } from "#lib/clock.ts";
import { Refusal } from "#server/refusal.ts";

/** How much one caller may take: a store that is filled at a steady rate. */
export interface Allowance {
  /** At once. */
  readonly burst: number;
  /** And for each second after that. */
  readonly perSecond: number;
}

/** Callers that are remembered; the one that was longest quiet is forgotten first. */
const callersMost = 50_000;

/** A token bucket for each caller, in bounded memory. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #allowance: Allowance;
  readonly #callers = new Map<string, { left: number; at: number }>();

  constructor(clock: Clock, allowance: Allowance) {
    this.#clock = clock;
    this.#allowance = allowance;
  }

  /** @throws Refusal 429 with the seconds to wait */
  take(caller: string, cost = 1): void {
    const { burst, perSecond } = this.#allowance;
    const now = this.#clock.now();
    const known = this.#callers.get(caller) ?? { left: burst, at: now };
    const left = Math.min(burst, known.left + (Math.max(0, now - known.at) / 1000) * perSecond);
    const enough = left >= Math.min(cost, burst);
    this.#callers.delete(caller); // to the end of the row
    this.#callers.set(caller, { left: enough ? left - cost : left, at: now });
    if (this.#callers.size > callersMost)
      for (const oldest of this.#callers.keys()) return this.#forget(oldest, enough);
    if (!enough) this.#refuse((cost - left) / perSecond);
  }

  #forget(caller: string, enough: boolean): void {
    this.#callers.delete(caller);
    if (!enough) this.#refuse(1);
  }

  #refuse(seconds: number): never {
    throw new Refusal(429, "too-many", "too many requests", { retryAfter: Math.min(3600, Math.ceil(seconds)) });
  }
}
