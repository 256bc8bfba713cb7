import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { day, hour, served, TestClock } from "./repository.ts";
import { simulated } from "./simulated.ts";
import { listed } from "./simulator.ts";

test("a clock that is set back is not believed below the newest signed time, also after a restart", async () => {
  const repo = await served("2026-07-10T00:00:00Z");
  await repo.publish("one");
  const clock = new TestClock(repo.clock.at);
  const client = await repo.client({ clock });
  await client.activated(await client.refresh());
  clock.add(-365 * day);
  expect(client.status().floor).toBe(repo.clock.at);
  const again = await repo.client({ dir: client.dir, clock });
  expect((await again.cached())?.floor).toBe(repo.clock.at);
  expect((await again.refresh()).floor).toBe(repo.clock.at);
  await writeFile(join(client.dir, "state"), "damaged");
  clock.at = instantOf(repo.clock.at - 2 * hour);
  expect((await (await repo.client({ dir: client.dir, clock })).cached())?.floor).toBe(repo.clock.at);
});

test("the floor rises with each signed time and expiry is measured against it", async () => {
  const repo = await served("2026-07-10T00:00:00Z");
  await repo.publish("one");
  const clock = new TestClock(repo.clock.at);
  const client = await repo.client({ clock });
  await client.activated(await client.refresh());
  repo.clock.add(20 * hour);
  await repo.resign();
  await client.refresh();
  expect(client.status().floor).toBe(repo.clock.at);
  clock.add(-30 * day);
  expect(client.status().state).toBe("fresh");
});

test("a device whose clock stands at 1970 gets the policy, and no time that is far ahead of its own", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client({ clock: new TestClock(instantOf(0)) });
  expect(await client.refresh()).toMatchObject({ version: 2, floor: 0 });
});

test("a device whose clock stands in 2100 goes on with what it has, and takes nothing that is expired by it", async () => {
  const repo = await served();
  await repo.publish("one");
  const clock = new TestClock(repo.clock.at);
  const client = await repo.client({ clock });
  await client.activated(await client.refresh());
  clock.at = parseInstant("2100-01-01T00:00:00Z");
  await expect(client.refresh()).rejects.toMatchObject({ code: "EXPIRED" });
  expect(await client.cached()).toMatchObject({ version: 2, state: "very-stale" });
  clock.at = repo.clock.at;
  expect(await client.refresh()).toMatchObject({ version: 2, state: "fresh" });
});

test("a stolen timestamp key moves time by a day at most, and its floor dies with it", async () => {
  const { sim, clock, look } = await simulated();
  const issue = async (issued: string, expires: string): Promise<void> => {
    sim.timestamp.extra = { x_issued: issued };
    sim.timestamp.expires = parseInstant(expires);
    sim.next("timestamp");
  };
  const floor = async (): Promise<number | undefined> => (await look()).floor?.issued;
  await issue("2026-07-10T00:00:00Z", "2026-07-12T00:00:00Z");
  expect(await floor()).toBe(clock.at);
  await issue("2026-07-11T00:00:01Z", "2026-07-13T00:00:00Z");
  expect(await floor()).toBe(clock.at);
  await issue("2026-07-11T00:00:00Z", "2026-07-13T00:00:00Z");
  expect(await floor()).toBe(clock.at + day);
  // The key is replaced, and the clock that it had moved is the system's again.
  sim.timestamp.keys = [listed()];
  await sim.next("root").writeRoot();
  await issue("2026-07-10T01:00:00Z", "2026-07-12T00:00:00Z");
  expect(await floor()).toBe(clock.at + hour);
});

test("a stolen snapshot key that ran far ahead is recovered from by replacing it alone", async () => {
  const { sim, look } = await simulated();
  sim.snapshot.version = 1_000_000;
  await look();
  sim.snapshot.version = 2;
  sim.next("timestamp");
  await expect(look()).rejects.toMatchObject({ code: "ROLLBACK", file: "snapshot" });
  // 5.3.11: what was seen from a role that lost a key is forgotten.
  sim.snapshot.keys = [listed()];
  await sim.next("root").writeRoot();
  expect((await look()).snapshot.version).toBe(2);
});
