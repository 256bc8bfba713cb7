import { expect, test } from "vitest";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { Standing, trustedOf } from "#trust/status.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { day, hour } from "./repository.ts";
import { now, simulated } from "./simulated.ts";

// How old what a device knows is, by which clock, and what it says of it.

const later = (ms: number): Instant => instantOf(now + ms);
const known = { timestamp: { expires: later(30 * day), issued: now }, roles: {} };

test.each([
  { what: "nothing was ever trusted", standing: {}, at: now, state: "very-stale" },
  { what: "it was signed just now", standing: { trusted: known }, at: now, state: "fresh" },
  { what: "it was signed almost a day ago", standing: { trusted: known }, at: later(day - 1), state: "fresh" },
  { what: "it was signed a day ago", standing: { trusted: known }, at: later(day), state: "stale" },
  { what: "it was signed almost a week ago", standing: { trusted: known }, at: later(7 * day - 1), state: "stale" },
  { what: "it was signed a week ago", standing: { trusted: known }, at: later(7 * day), state: "very-stale" },
  {
    what: "it was refreshed since",
    standing: { trusted: known, refreshed: later(7 * day) },
    at: later(8 * day - 1),
    state: "fresh",
  },
  {
    what: "its clock was set back behind the floor",
    standing: { trusted: known, refreshed: now, floor: { issued: later(day), keys: [] } },
    at: now,
    state: "stale",
  },
  {
    what: "its timestamp has not quite expired",
    standing: { trusted: { ...known, timestamp: { ...known.timestamp, expires: later(hour) } } },
    at: later(hour - 1),
    state: "fresh",
  },
  {
    what: "its timestamp has expired",
    standing: { trusted: { ...known, timestamp: { ...known.timestamp, expires: later(hour) } } },
    at: later(hour),
    state: "stale",
  },
  {
    what: "nobody said when its timestamp was made, and it ends in two days",
    standing: { trusted: { ...known, timestamp: { ...known.timestamp, expires: later(2 * day), issued: undefined } } },
    at: now,
    state: "stale",
  },
  {
    what: "nobody said when its timestamp was made, and it ends in more than two days",
    standing: {
      trusted: { ...known, timestamp: { ...known.timestamp, expires: later(2 * day + 1), issued: undefined } },
    },
    at: now,
    state: "fresh",
  },
])("a device of which $what is $state", ({ standing, at, state }) => {
  const device = Object.assign(new Standing(), standing);
  expect(device.freshness(at)).toBe(state);
  expect(device.status(at).state).toBe("empty");
  device.enforced = { version: 1, id: "1" };
  expect(device.status(at).state).toBe(state);
});

test("a device that knows nothing says so", () => {
  expect(new Standing().status(now)).toEqual({ state: "empty", floor: 0, problems: [], roles: {} });
});

test("a device says all that it knows", () => {
  const standing = Object.assign(new Standing(), {
    trusted: { ...known, roles: { root: { version: 3, expires: later(day) } } },
    floor: { issued: later(hour), keys: ["k"] },
    refreshed: now,
    enforced: { version: 2, id: "2" },
    rejected: { version: 3, why: "it does not compile" },
    lastError: { code: "NETWORK", message: "nobody answers", at: later(1) } as const,
    problems: ["state is cut or empty"],
    problem: "exceptions.json expired",
  });
  expect(standing.status(now)).toEqual({
    state: "fresh",
    floor: later(hour),
    refreshed: now,
    enforced: { version: 2, id: "2" },
    rejected: { version: 3, why: "it does not compile" },
    lastError: { code: "NETWORK", message: "nobody answers", at: later(1) },
    problems: ["state is cut or empty", "exceptions.json expired"],
    roles: { root: { version: 3, expires: later(day) } },
  });
});

test("of a set that is trusted the versions and ends of its roles are kept, once there is a timestamp", async () => {
  const { sim, look } = await simulated();
  expect(trustedOf(new TrustedSet(await sim.writeRoot()))).toBeUndefined();
  sim.delegate("targets", "A");
  sim.role("A").version = 7;
  sim.timestamp.extra = { x_issued: "2026-07-10T00:00:00Z" };
  const { set, find } = await look();
  await find("x");
  const expires = later(2 * day);
  expect(trustedOf(set)).toEqual({
    timestamp: { expires, issued: now },
    roles: {
      root: { version: 1, expires },
      timestamp: { version: 1, expires },
      snapshot: { version: 1, expires },
      targets: { version: 1, expires },
      A: { version: 7, expires },
    },
  });
});
