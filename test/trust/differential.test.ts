import { array, assert, asyncProperty, record } from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { both } from "./both.ts";
import { event, paths, Played, repository } from "./repositories.ts";
import { Simulator } from "./simulator.ts";

// Whatever repository, and whatever befalls it: tuf-js and ours believe the same, find the same, and keep the same.
// DIFFERENTIAL_RUNS: how many repositories; what is not the same on purpose stands in differences.test.ts.

const runs = Number(process.env["DIFFERENTIAL_RUNS"] ?? 60);

test(`tuf-js and we agree on ${runs} repositories`, async () => {
  const story = record({ first: repository, later: array(array(event, { maxLength: 3 }), { maxLength: 5 }) });
  await assert(
    asyncProperty(story, async ({ first, later }) => {
      const sim = new Simulator(systemClock.now());
      const played = new Played(sim, first);
      const { look } = await both(sim);
      for (const events of [[], ...later]) {
        for (const one of events) await played.play(one);
        const { theirs, ours } = await look(paths);
        expect([ours.refreshed, ours.found]).toEqual([theirs.refreshed, theirs.found]);
        for (const [role, bytes] of Object.entries(ours.stored))
          expect([role, theirs.stored[role]]).toEqual([role, bytes]);
        // After a look that failed, 5.3.11 may have made us forget what they still have.
        const kept = ours.refreshed ? Object.keys(theirs.stored) : Object.keys(ours.stored);
        expect(Object.keys(ours.stored)).toEqual(kept);
      }
    }),
    { numRuns: runs, endOnFailure: false },
  );
}, 600_000);
