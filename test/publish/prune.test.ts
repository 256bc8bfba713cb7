import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRepository } from "#publish/current.ts";
import { prune } from "#publish/prune.ts";
import { resignTimestamp } from "#publish/repository.ts";
import { mostVersion } from "#publish/versions.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { day } from "../trust/repository.ts";
import { groupPolicy, office, policyWith, type Office } from "./office.ts";

/** With a department, whose policy stays as it is. */
async function house(): Promise<Office> {
  const place = await office();
  const { dee } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "theirs"), dee);
  return place;
}

/** Everybody's policy is another each day; what was newest on each day. */
async function days(place: Office, count: number): Promise<readonly Uint8Array[]> {
  const { ann, bob } = place.people;
  const timestamps: Uint8Array[] = [];
  for (let i = 0; i < count; i += 1) {
    await place.policy({ policy: policyWith(`day ${i}`) }, ann, bob);
    timestamps.push(await readFile(join(place.dir, "timestamp.json")));
    place.clock.add(day);
  }
  return timestamps;
}

const filesOf = async (place: Office): Promise<readonly string[]> =>
  (await readdir(place.dir, { recursive: true })).toSorted();

/** What a device gets that was told this of what is newest. */
async function told({ dir, clock }: Office, timestamp: Uint8Array): Promise<readonly unknown[]> {
  const copy = join(await temporaryFolder(), "repo");
  await cp(dir, copy, { recursive: true });
  await writeFile(join(copy, "timestamp.json"), timestamp);
  const { policy, groups } = await readRepository({ repo: copy, clock });
  return [policy, groups.get("finance")].map((bytes) => JSON.parse(Buffer.from(bytes ?? []).toString()).name);
}

test("whoever was told of what is newest within the last three days gets all of it, and what is older goes", async () => {
  const place = await house();
  const timestamps = await days(place, 9);
  await resignTimestamp(place);
  const outcomes = await Promise.all(timestamps.map((one) => told(place, one).catch(() => "gone")));
  // A timestamp lives for three days from the moment at which the next one is signed, and a day is for clocks that differ.
  expect(outcomes).toEqual([
    ...Array.from({ length: 4 }, () => "gone"),
    ...[4, 5, 6, 7, 8].map((i) => [`day ${i}`, "theirs"]),
  ]);
  const files = await filesOf(place);
  const policies = files.filter((file) => /^targets\/[0-9a-f]{64}\.policy\.json$/.test(file));
  expect(policies).toHaveLength(5);
  expect(files.filter((file) => file.endsWith(".snapshot.json"))).toHaveLength(5);
  await expect(place.client({ groups: ["finance"] }).then((client) => client.refresh())).resolves.toBeDefined();
});

test("roots stay for ever, and so does what is not ours, and what is newer than what is in force", async () => {
  const place = await house();
  await days(place, 1);
  const { ann, bob } = place.people;
  await place.push(await place.rotation(await place.onlineChanges("timestamp")), ann, bob);
  const others = ["9999.targets.json", "notes.json", "targets/notes.txt", "targets/groups/finance/notes.json"];
  for (const file of others) await writeFile(join(place.dir, file), "{}");
  await days(place, 9);
  await resignTimestamp(place);
  expect(await filesOf(place)).toEqual(expect.arrayContaining(["1.root.json", "2.root.json", ...others]));
  expect(await filesOf(place)).not.toContain("1.targets.json");
});

test("nothing is removed while the snapshot has a number that somebody pushed up: it may be all that is left", async () => {
  const place = await house();
  await days(place, 9);
  const current = await place.current();
  const before = await filesOf(place);
  expect(await prune(place.dir, { ...current.snapshot, version: mostVersion + 1 }, place.clock.now())).toBe(0);
  expect(await filesOf(place)).toEqual(before);
  expect(await prune(place.dir, current.snapshot, place.clock.now())).toBeGreaterThan(10);
});

test("what cannot be read is not taken for nothing: all stays, and the server says so", async () => {
  const place = await house();
  await days(place, 9);
  await mkdir(join(place.dir, "9999.targets.json"));
  const before = await filesOf(place);
  expect(await resignTimestamp(place)).toMatchObject({
    problem: expect.stringContaining("old files cannot be removed"),
  });
  expect(await filesOf(place)).toEqual(before);
});
