declare const instant: unique symbol;

/** A point in time: milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [instant]: true };

/** Whether a number can be an instant (ECMA-262 21.4.1.1: 100,000,000 days on each side of the epoch). */
export function isInstant(ms: number): ms is Instant {
  return Number.isInteger(ms) && Math.abs(ms) <= 8.64e15;
}

/** @throws RangeError when the number is no instant. */
export function instantOf(ms: number): Instant {
  if (!isInstant(ms)) throw new RangeError(`${ms} is not a point in time`);
  return ms;
}

/** Parses RFC 9557 / ISO 8601 text that carries an offset. @throws RangeError when it has none or is malformed. */
export function parseInstant(text: string): Instant {
  return instantOf(Temporal.Instant.from(text).epochMilliseconds);
}

/** ISO 8601 in UTC, to the second where there is no fraction: 2026-07-10T00:00:00Z. */
export function formatInstant(at: Instant): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toString();
}

/** ISO 8601 duration in milliseconds; days count 24 hours, months and years are refused. @throws RangeError */
export function parseDuration(text: string): number {
  const duration = Temporal.Duration.from(text);
  if (duration.years !== 0 || duration.months !== 0) throw new RangeError("a month has no fixed length: use days");
  if (duration.sign < 0) throw new RangeError("a duration cannot be negative");
  const { weeks } = duration;
  return duration.with({ weeks: 0 }).total("milliseconds") + weeks * 7 * 86_400_000;
}
