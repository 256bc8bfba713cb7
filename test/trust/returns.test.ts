import { expect, test } from "vitest";
import { contents, grouped, packed } from "./device.ts";

test("a generation that comes back, as when an exception was granted and is withdrawn, is in force again and after a restart", async () => {
  const { sim, client, publish } = await grouped();
  const following = { groups: ["a"], shard: "ab" };
  const device = await client(following);
  const exceptions = sim.role("exceptions").targets;
  const states = ["one", "two", "one", "two", "two", "three", "one"];
  for (const state of states) {
    exceptions.set("exceptions/ab.json", packed(state));
    publish("exceptions");
    await device.activated(await device.refresh());
    const restarted = await client({ ...following, url: "http://127.0.0.1:1/", dir: device.dir });
    const again = await restarted.cached();
    expect(again && contents(again)).toMatchObject({ exceptions: state });
  }
});
