import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { both } from "./both.ts";
import { rounds } from "./oracle-rounds.ts";
import { Simulator } from "./simulator.ts";

// The same repository, refreshed by tuf-js and by us: the same answer, and the same bytes believed.

test.each(rounds)("$does: tuf-js and we agree", async ({ first, change, believed }) => {
  const sim = new Simulator(systemClock.now());
  await first?.(sim);
  const { look } = await both(sim);
  const before = await look();
  await change?.(sim);
  const after = await look();
  expect(before.ours.refreshed).toBe(before.theirs.refreshed);
  expect([after.ours.refreshed, after.theirs.refreshed]).toEqual([believed, believed]);
  // What we keep they keep; what 5.3.11 makes us forget they leave where it is.
  expect(after.theirs.stored).toMatchObject(after.ours.stored);
  expect(Object.keys(after.ours.stored).length).toBe(believed ? 4 : Object.keys(after.ours.stored).length);
});
