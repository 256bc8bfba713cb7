import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { both, type Seen } from "./both.ts";
import { differences } from "./differences.ts";
import { Simulator } from "./simulator.ts";

// What differential.test.ts must not stumble over: each difference is there on purpose, and still there.

test.each(differences)(
  "$what: tuf-js and we differ, because $because",
  async ({ first, change, path, theirs, ours }) => {
    const sim = new Simulator(systemClock.now());
    await first?.(sim);
    const pair = await both(sim);
    let seen = await pair.look(path === undefined ? [] : [path]);
    if (change !== undefined) {
      await change(sim, pair);
      seen = await pair.look(path === undefined ? [] : [path]);
    }
    const snapshot = (await sim.bytes("snapshot")).toString();
    expect([said(seen.theirs, snapshot), said(seen.ours, snapshot)]).toEqual([theirs, ours]);
  },
);

function said({ refreshed, found: [found], stored }: Seen, snapshot: string): string {
  if (!refreshed) return "refused";
  if (found !== undefined) return found === "none" ? "none" : "found";
  return stored["snapshot"] === snapshot ? "believed" : "believed without looking";
}
