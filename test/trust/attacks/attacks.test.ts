import { describe, expect, test } from "vitest";
import { contents, grouped } from "../device.ts";
import { listed } from "../simulator.ts";
import { verdict } from "../simulated.ts";
import { attacks } from "./table.ts";

// A device that had an honest look, and then somebody who lies to it: what is in force stays in force, and the lie has a name.
// "Extraneous dependencies attacks" (1.5.2) have nothing to attack here: a policy depends on nothing.

describe.each([...new Set(attacks.map(({ name }) => name))])("%s", (name) => {
  const own = attacks.filter((attack) => attack.name === name);
  test.each(own.map((attack) => [attack.does, attack] as const))("%s", async (_does, { mount, noticed }) => {
    const repository = await grouped();
    repository.tags.sent = false; // so that a 304 is one that nobody asked for
    const following = { groups: ["a", "b", "c"], shard: "ab" };
    const device = await repository.client(following);
    const first = await device.refresh();
    await device.activated(first);

    await mount({ ...repository, device });
    const look = (await repository.client({ ...following, dir: device.dir, timeoutMs: 2000 })).refresh();
    const wanted = typeof noticed === "string" ? new RegExp(`^${RegExp.escape(noticed)}$`) : noticed;
    expect(await verdict(look)).toMatch(wanted);
    expect(contents(await look.catch(() => first))).toEqual(contents(first));
    expect((await device.cached())?.id).toBe(first.id);
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
