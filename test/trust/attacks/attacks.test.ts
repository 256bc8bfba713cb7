import { describe, expect, test } from "vitest";
import { grouped } from "../device.ts";
import { listed } from "../simulator.ts";
import { verdict } from "../simulated.ts";
import { attacked, noticed } from "./attacked.ts";
import { attacks, slow } from "./table.ts";

// "Slow retrieval attacks" stand in slow.test.ts, for they take their time. "Extraneous dependencies attacks" (1.5.2) have nothing to
// attack here: a policy depends on nothing.

const quick = attacks.filter(({ name }) => name !== slow);

describe.each([...new Set(quick.map(({ name }) => name))])("%s", (name) => {
  const own = quick.filter((attack) => attack.name === name);
  test.each(own.map((attack) => [attack.does, attack] as const))("%s", async (_does, attack) => {
    const { look, harmed } = await attacked(attack);
    expect(look).toMatch(noticed(attack));
    expect(harmed).toBe(false);
  });
});

describe("Fast-forward attack", () => {
  // 5.3.11: what was seen from an online role that lost a key is forgotten. Versions of the roles below stand in the snapshot.
  test.each([
    ["timestamp", "timestamp"],
    ["snapshot", "snapshot"],
    ["targets", "snapshot"],
    ["group-a", "snapshot"],
  ])("whoever ran ahead with the version of %s is recovered from by another key for %s", async (role, replaced) => {
    const { sim, client, publish } = await grouped();
    const device = await client({ groups: ["a"] });
    await device.refresh();
    publish("targets", "group-a");
    sim.role(role).version = Number.MAX_SAFE_INTEGER;
    await device.refresh();

    publish("group-a");
    sim.role(role).version = 3;
    expect(await verdict(device.refresh())).toBe(`ROLLBACK ${role}`);
    sim.role(replaced).keys = [listed()];
    await sim.next("root").writeRoot();
    expect(await verdict(device.refresh())).toBe("believed");
    expect(device.status().roles[role]?.version).toBe(3);
  });
});
