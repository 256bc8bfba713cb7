import { truncateSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { lacking } from "../needs.ts";
import { GatePlace, run, until } from "./place.ts";
import { allPoised } from "./poised.ts";

/** So many that what there is to read takes longer than anybody's time. */
const many = 48;

describe.skipIf(lacking("root"))("large files that nobody has read yet", () => {
  test.each<[what: string, failClosed: boolean, owner: number, ran: unknown]>([
    ["run after two seconds, unread, and it is said", false, 1000, 0],
    ["run after two seconds where they are root's, also when the machine fails closed", true, 0, 0],
    ["are denied when the machine fails closed", true, 1000, "denied"],
  ])("%s; meanwhile small ones are answered", async (_, failClosed, owner, ran) => {
    const place = await GatePlace.open({ failClosed });
    onTestFinished(() => place.close());
    const [banned, innocent] = [
      place.add("banned", { banned: true, owner: 1000 }),
      place.add("innocent", { owner: 1000 }),
    ];
    const large = place.add("large", { owner });
    truncateSync(large, 2 ** 31); // nothing but a hole
    const waiting = await allPoised(Array.from({ length: many }, () => large));
    await Promise.all(waiting.map((one) => one.go()));
    const first = new AbortController();
    const ended = waiting.map(async (one) => {
      const it = await one.ended;
      first.abort();
      return it;
    });
    let small = 0;
    for (; !first.signal.aborted; small += 1) expect([await run(banned), await run(innocent)]).toEqual(["denied", 0]);
    expect(small).toBeGreaterThan(10);
    expect([...new Set((await Promise.all(ended)).map((it) => it.ran))]).toEqual([ran]);
    await until(() => place.late.length > many / 2);
    expect(new Set(place.late)).toEqual(new Set([large]));
    // And what was not read is not known.
    const { asked } = await place.counts();
    await run(innocent);
    expect((await place.counts()).asked).toBe(asked + 1);
    expect(place.keeper.health.fell).toBe(0);
  });
});
