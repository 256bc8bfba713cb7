import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatInstant, instantOf } from "#lib/pure/instant.ts";
import { proposeRenewal } from "#publish/delegate.ts";
import { grantException, withdrawExceptions } from "#publish/exceptions.ts";
import { newOnlineKey, retireOnlineKeys } from "#publish/online-keys.ts";
import { resignTimestamp } from "#publish/repository.ts";
import { sha256 } from "#trust/sha256.ts";
import { day, hour } from "../trust/repository.ts";
import { followers, groupPolicy, office, type Office } from "./office.ts";

const [mine, other] = [sha256("my device"), sha256("another device")];
const shard = sha256(mine).slice(0, 2);

interface Granting extends Office {
  readonly grant: (ban: string, device: string, days: number) => ReturnType<typeof grantException>;
  readonly look: Awaited<ReturnType<typeof followers>>;
}

async function granting(): Promise<Granting> {
  const place = await office();
  const key = newOnlineKey("exceptions");
  await key.save(place.keysDir);
  await place.delegate("exceptions", [key]);
  return {
    ...place,
    grant: (ban, device, days) =>
      grantException({ ...place, ban, device, until: instantOf(place.clock.at + days * day) }),
    look: await followers(place, { shard }),
  };
}

test("a device has its exception from then on, and nobody reads in the repository whose it is", async () => {
  const { grant, look, clock, ...place } = await granting();
  expect((await look()).exceptions).toBeUndefined();
  await grant("anydesk", mine, 3);
  await grant("unsaid", mine, 30);
  await grant("anydesk", other, 3);
  const granted = formatInstant(clock.at);
  expect((await look()).exceptions).toEqual([
    { ban: "anydesk", device: sha256(mine), granted, until: formatInstant(instantOf(clock.at + 3 * day)) },
    { ban: "unsaid", device: sha256(mine), granted, until: formatInstant(instantOf(clock.at + 30 * day)) },
  ]);
  const files = await readdir(join(place.dir, "targets", "exceptions"));
  expect(files.filter((name) => name.includes(mine) || name.includes(other))).toEqual([]);
});

test("it counts from the first grant: a second one is no renewal", async () => {
  const { grant, look, clock } = await granting();
  const { granted } = (await grant("anydesk", mine, 5)).grant;
  clock.add(4 * day);
  expect((await grant("anydesk", mine, 6)).grant).toMatchObject({ granted });
  await expect(grant("anydesk", mine, 7)).rejects.toMatchObject({
    code: "PROPOSAL",
    message: expect.stringContaining(
      "P10D at most, counted from the first grant on 2026-07-10T00:00:00Z: until 2026-07-20",
    ),
  });
  expect((await look()).exceptions).toMatchObject([{ until: "2026-07-20T00:00:00Z" }]);
  clock.add(20 * day); // it is over, and still the first one
  await expect(grant("anydesk", mine, 1)).rejects.toMatchObject({ code: "PROPOSAL" });
});

test("an exception that is taken back is gone, and the next one is a first one", async () => {
  const { grant, look, clock, ...place } = await granting();
  await grant("anydesk", mine, 5);
  await grant("unsaid", mine, 5);
  clock.add(9 * day);
  expect(await withdrawExceptions({ ...place, clock, ban: "anydesk", device: mine })).toMatchObject({ withdrawn: 1 });
  expect((await look()).exceptions).toMatchObject([{ ban: "unsaid" }]);
  await expect(withdrawExceptions({ ...place, clock, ban: "anydesk", device: mine })).rejects.toMatchObject({
    code: "PROPOSAL",
  });
  expect((await grant("anydesk", mine, 10)).grant.granted).toBe(formatInstant(clock.at));
});

test("all of a ban, all of a device, and all there are can be taken back at once", async () => {
  const { grant, look, clock, ...place } = await granting();
  const withdraw = async (what: { ban?: string; device?: string }): Promise<number> =>
    (await withdrawExceptions({ ...place, clock, ...what })).withdrawn;
  const many = [mine, other, sha256("third"), sha256("fourth")];
  for (const device of many) await grant("anydesk", device, 3);
  await grant("unsaid", mine, 3);
  expect(await withdraw({ device: mine })).toBe(2);
  expect((await look()).exceptions).toBeUndefined();
  await grant("unsaid", mine, 3);
  expect(await withdraw({ ban: "anydesk" })).toBe(3);
  expect((await look()).exceptions).toMatchObject([{ ban: "unsaid" }]);
  expect(await withdraw({})).toBe(1);
});

test.each([
  ["from a ban that allows none", "never", 1],
  ["for longer than the ban allows", "anydesk", 11],
  ["for longer than thirty days where the ban does not say", "unsaid", 31],
  ["from a ban that does not exist", "nothing", 1],
  ["that is over already", "anydesk", -1],
  ["from a ban of a department that has none", "finance/vnc", 1],
])("no exception is granted %s", async (_what, ban, days) => {
  const { grant, ...place } = await granting();
  const before = (await place.current()).timestamp.version;
  await expect(grant(ban, mine, days)).rejects.toMatchObject({ code: "PROPOSAL" });
  expect((await place.current()).timestamp.version).toBe(before);
});

test("a department's ban has exceptions as any other", async () => {
  const { grant, ...place } = await granting();
  await place.delegate("group-finance", [place.people.dee]);
  await place.group("finance", groupPolicy("finance", "money"), place.people.dee);
  expect((await grant("finance/vnc", mine, 5)).grant).toMatchObject({ ban: "finance/vnc" });
  await expect(grant("finance/vnc", other, 6)).rejects.toMatchObject({ code: "PROPOSAL" });
});

test("a server that nobody lets grant exceptions grants none", async () => {
  const place = await office();
  const until = instantOf(place.clock.at + day);
  await expect(grantException({ ...place, ban: "anydesk", device: mine, until })).rejects.toMatchObject({
    code: "PROPOSAL",
    message: expect.stringContaining("edict trust delegate exceptions"),
  });
});

test("grants at the same moment do not lose each other", async () => {
  const { grant, ...place } = await granting();
  const devices = Array.from({ length: 6 }, (_, i) => sha256(`device ${i}`));
  await Promise.all(devices.map((device) => grant("anydesk", device, 1)));
  expect((await withdrawExceptions({ ...place })).withdrawn).toBe(6);
});

test("the server renews its exceptions before half of their time is over, and says when it cannot", async () => {
  const { grant, look, clock, ...place } = await granting();
  await grant("unsaid", mine, 30);
  clock.add(14 * day);
  await resignTimestamp({ ...place, clock });
  expect((await place.current()).delegated.get("exceptions")?.version).toBe(2);
  clock.add(13 * hour);
  await resignTimestamp({ ...place, clock });
  expect((await place.current()).delegated.get("exceptions")?.version).toBe(3);
  expect((await look()).exceptions).toHaveLength(1);
  // Without its key the rest goes on: the timestamp is what devices need first.
  clock.add(15 * day);
  await retireOnlineKeys(place.keysDir, "exceptions", []);
  expect(await resignTimestamp({ ...place, clock })).toMatchObject({ problem: expect.stringContaining("exceptions") });
  expect(await look()).toMatchObject({ policy: "first" });
});

test("a year after its end an exception is forgotten", async () => {
  const { grant, clock, people, ...place } = await granting();
  const { grant: first } = await grant("anydesk", mine, 1);
  for (const months of [5, 5, 3]) {
    clock.add(months * 30 * day);
    const roles = ["root", "targets"];
    await place.push(proposeRenewal(roles, await place.current(), clock.now()), people.ann, people.bob);
  }
  await expect(grant("anydesk", mine, 1)).resolves.toMatchObject({ grant: { granted: formatInstant(clock.at) } });
  expect(first.granted).toBe("2026-07-10T00:00:00Z");
});

test("where the exceptions of others are missing in the folder, nothing is published that would name them", async () => {
  const { grant, ...place } = await granting();
  await grant("anydesk", mine, 1);
  await rm(join(place.dir, "targets", "exceptions"), { recursive: true });
  const neighbours = [other, ...Array.from({ length: 9 }, (_, i) => sha256(`device ${i}`))];
  const elsewhere = neighbours.find((device) => !sha256(device).startsWith(shard)) ?? other;
  await expect(grant("anydesk", elsewhere, 1)).rejects.toMatchObject({ code: "CACHE" });
});

test("a dry run grants nothing", async () => {
  const { look, clock, ...place } = await granting();
  const until = instantOf(clock.at + day);
  expect(await grantException({ ...place, clock, ban: "anydesk", device: mine, until, dryRun: true })).toMatchObject({
    grant: { ban: "anydesk" },
  });
  expect((await look()).exceptions).toBeUndefined();
});
