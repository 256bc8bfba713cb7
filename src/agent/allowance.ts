import type { Clock } from "#lib/clock.ts";

/** What one user may ask for at once, and how much of it comes back in a minute. */
const full = 120;
/** Users that are remembered. */
const most = 10_000;

interface Purse {
  readonly left: number;
  readonly at: number;
}

/** How much each user may still ask: one who asks without end costs the others nothing. Root is never refused. */
export class Allowance {
  readonly #clock: Clock;
  readonly #purses = new Map<number, Purse>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this user may ask something of this cost, which is then paid. */
  take(uid: number, cost: number): boolean {
    if (uid === 0) return true;
    const now = this.#clock.now();
    const left = this.#leftOf(uid, now);
    if (left < cost) return false;
    this.#purses.delete(uid);
    this.#purses.set(uid, { left: left - cost, at: now });
    const [oldest] = this.#purses.keys();
    if (this.#purses.size > most && oldest !== undefined) this.#purses.delete(oldest);
    return true;
  }

  #leftOf(uid: number, now: number): number {
    const purse = this.#purses.get(uid);
    if (purse === undefined) return full;
    // A clock that was set back gives nothing, and takes nothing for longer than a minute.
    const passed = now < purse.at ? 60_000 : now - purse.at;
    return Math.min(full, purse.left + (passed / 60_000) * full);
  }
}
