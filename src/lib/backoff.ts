/** How long to wait before the next try, in milliseconds: doubling from `firstMs` up to `maxMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The pause before try number `attempt` (1 is the first repetition): between a half and the whole of the doubled time, so
 * that a hundred thousand devices do not come back at once.
 * @param random a number in [0, 1)
 */
export function pause(attempt: number, random: number, { firstMs, maxMs }: Backoff): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30));
  return whole / 2 + (random * whole) / 2;
}

/** A regular interval, shifted by at most `share` of itself to either side. @param random a number in [0, 1) */
export function jitter(ms: number, random: number, share = 0.1): number {
  return ms * (1 - share + 2 * share * random);
}
