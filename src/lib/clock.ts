import { instantOf, type Instant } from "#lib/pure/instant.ts";

/** Time as an argument: only a main makes the real one. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => instantOf(Date.now()) };
