import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { grouped } from "./device.ts";
import { hour, served, type Served, type TestClient } from "./repository.ts";

// What a device knows when it starts again, without the network.

const offline = { url: "http://127.0.0.1:1/" };

test("a device that starts again knows what it knew of what is in force, of the time and of how old everything is", async () => {
  const { sim, client, clock } = await grouped();
  sim.timestamp.extra = { x_issued: String(clock) };
  const following = { groups: ["a"], shard: "ab" };
  const device = await client(following);
  await device.activated(await device.refresh());
  clock.add(20 * hour);
  await device.refresh();
  clock.add(10 * hour); // fresh, for who knows that it asked ten hours ago
  const again = await client({ ...following, ...offline, dir: device.dir });
  expect(again.status()).toMatchObject({ state: "empty", enforced: undefined, refreshed: undefined, floor: 0 });
  const { id, version } = (await again.cached()) ?? {};
  expect(again.status()).toEqual(device.status());
  expect(again.status()).toMatchObject({ state: "fresh", enforced: { id, version }, refreshed: clock.at - 10 * hour });
  expect(Object.keys(again.status().roles)).toEqual(expect.arrayContaining(["root", "group-a", "exceptions"]));
});

/** A device that has activated version 2. */
async function activated(): Promise<{ readonly repo: Served; readonly client: TestClient }> {
  const repo = await served();
  await repo.publish("two");
  const client = await repo.client();
  await client.activated(await client.refresh());
  return { repo, client };
}

test("a device whose whole store is gone begins again from the installer's root", async () => {
  const { repo, client } = await activated();
  await rm(client.dir, { recursive: true });
  const again = await repo.client({ dir: client.dir });
  expect(await again.cached()).toBeUndefined();
  expect(again.status().state).toBe("empty");
  expect((await again.refresh()).version).toBe(2);
});

test("a device with neither a stored nor an installed root says so, and still enforces what it had", async () => {
  const { repo, client } = await activated();
  await rm(join(client.dir, "root.json"));
  const broken = await repo.client({ dir: client.dir, bootstrap: Buffer.from("{}") });
  expect((await broken.cached())?.version).toBe(2);
  await expect(broken.refresh()).rejects.toMatchObject({ code: "CACHE", file: "root" });
});
