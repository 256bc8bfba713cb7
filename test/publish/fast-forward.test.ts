import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { metaJson, targetsJson } from "#publish/content.ts";
import { grantException } from "#publish/exceptions.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { onlineKeys, type OnlineRole } from "#publish/online-keys.ts";
import { resignTimestamp } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";
import type { FileMeta } from "#trust/metadata.ts";
import { sha256 } from "#trust/sha256.ts";
import { day, hour } from "../trust/repository.ts";
import { followers, groupPolicy, office, policyWith, type Office } from "./office.ts";

// TUF 1.0 section 1.5.2, fast-forward attacks: whoever has the online keys publishes versions after which nothing can come.

const most = Number.MAX_SAFE_INTEGER;
const device = sha256("a device");

type Stolen = Readonly<Record<OnlineRole, Signer>>;

/** What the snapshot says of a file that lies in the folder. */
function about(version: number, bytes: Uint8Array): FileMeta {
  const { length, hashes } = describeBytes(bytes);
  return { version, length, hashes: new Map(Object.entries(hashes)) };
}

/** Somebody else, with the server's keys and its folder, publishes snapshot and timestamp of this version. */
async function forge(
  place: Office,
  stolen: Stolen,
  version: number,
  changes: Record<string, FileMeta> = {},
): Promise<void> {
  const { dir, clock } = place;
  const now = clock.now();
  const meta = new Map([...(await place.current()).snapshot.meta, ...Object.entries(changes)]);
  const members = Object.fromEntries([...meta].map(([name, known]) => [name, metaJson(known)]));
  const snapshot = fileOf(await signed({ ...header("snapshot", version, now), meta: members }, [stolen.snapshot]));
  await writeFile(join(dir, `${version}.snapshot.json`), snapshot);
  const above = { "snapshot.json": { version, ...describeBytes(snapshot) } };
  const timestamp = fileOf(await signed({ ...header("timestamp", version, now), meta: above }, [stolen.timestamp]));
  await writeFile(join(dir, "timestamp.json"), timestamp);
}

/** A delegated role with the same content and another version, signed by whoever has its key. */
async function pushedUp(place: Office, role: string, version: number, key: Signer): Promise<Record<string, FileMeta>> {
  const known = (await place.current()).delegated.get(role);
  const content = { ...header(role, version, place.clock.now()), ...(known && targetsJson(known)) };
  const bytes = fileOf(await signed(content, [key]));
  await writeFile(join(place.dir, `${version}.${role}.json`), bytes);
  return { [`${role}.json`]: about(version, bytes) };
}

async function house(): Promise<
  Office & { readonly look: Awaited<ReturnType<typeof followers>>; readonly stolen: Stolen }
> {
  const place = await office();
  const { dee, ann, cho } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  await place.onlineChanges("exceptions");
  await place.delegate("exceptions", await onlineKeys(place.keysDir, "exceptions"));
  await place.policy({ policy: policyWith("second") }, ann, cho);
  await grantException({ ...place, ban: "anydesk", device, until: instantOf(place.clock.at + day) });
  const look = await followers(place, { groups: ["finance"], shard: sha256(device).slice(0, 2) });
  const key = async (role: OnlineRole): Promise<Signer> => {
    const [signer] = await onlineKeys(place.keysDir, role);
    if (signer === undefined) throw new Error(`no ${role} key`);
    return signer;
  };
  const stolen = {
    snapshot: await key("snapshot"),
    timestamp: await key("timestamp"),
    exceptions: await key("exceptions"),
  };
  return { ...place, look, stolen };
}

const everything = {
  policy: "second",
  groups: { finance: "money" },
  exceptions: [expect.objectContaining({ ban: "anydesk" })],
};

test("after versions that nothing can follow, new keys make devices forget them, and the repository counts on from its own", async () => {
  const { look, stolen, ...place } = await house();
  const before = await place.current();
  await forge(place, stolen, most);
  expect(await look()).toEqual(everything); // the devices have seen it
  await expect(resignTimestamp(place)).rejects.toMatchObject({ code: "VERSION", seen: most });
  const proposal = await place.rotation(await place.onlineChanges("snapshot", "timestamp"));
  expect(await place.push(proposal, place.people.ann, place.people.bob)).toMatchObject({
    root: 2,
    // No snapshot of an earlier number is written again: caches keep those for ever.
    snapshot: before.snapshot.version + 1,
    timestamp: 1,
  });
  expect(await look()).toEqual(everything);
  place.clock.add(hour);
  expect(await resignTimestamp(place)).toMatchObject({ timestamp: 2 });
  await place.policy({ policy: policyWith("third") }, place.people.bob, place.people.cho);
  expect(await look()).toEqual({ ...everything, policy: "third" });
});

test("what a stolen key had the snapshot say of roles that nobody knows is gone with the key", async () => {
  const { look, stolen, ...place } = await house();
  const bytes = await readFile(join(place.dir, "1.targets.json"));
  await forge(place, stolen, 9_999_999_999, { "group-ghost.json": about(most, bytes) });
  await writeFile(join(place.dir, "9999999999.targets.json"), bytes); // no targets of that version either
  await look();
  const { version } = (await place.current()).targets;
  const proposal = await place.rotation(await place.onlineChanges("snapshot", "timestamp"));
  const released = await place.push(proposal, place.people.ann, place.people.bob);
  expect(released).toMatchObject({ targets: version, timestamp: 1 });
  expect(released.snapshot).toBeLessThan(100);
  expect([...(await place.current()).snapshot.meta.keys()].toSorted()).toEqual([
    "exceptions.json",
    "group-finance.json",
    "targets.json",
  ]);
  expect(await look()).toEqual(everything);
});

test("keys that were not stolen cannot end it: one of both is enough to forget, and neither is not", async () => {
  const { look, stolen, ...place } = await house();
  await forge(place, stolen, most);
  await look();
  const { ann, bob, eve } = place.people;
  const nothing = await place.rotation({ root: { add: [eve.key], remove: [] } });
  await expect(place.push(nothing, ann, bob)).rejects.toMatchObject({ code: "VERSION", seen: most });
  await place.push(await place.rotation(await place.onlineChanges("timestamp")), ann, bob);
  expect(await look()).toEqual(everything);
});

test("the exceptions role that was pushed up with them begins anew too", async () => {
  const { look, stolen, ...place } = await house();
  await forge(place, stolen, most, await pushedUp(place, "exceptions", most, stolen.exceptions));
  expect(await look()).toEqual(everything);
  const proposal = await place.rotation(await place.onlineChanges("snapshot", "timestamp", "exceptions"));
  await place.push(proposal, place.people.ann, place.people.bob);
  expect(await look()).toEqual(everything);
  expect((await place.current()).delegated.get("exceptions")?.version).toBe(3);
  await grantException({ ...place, ban: "anydesk", device, until: instantOf(place.clock.at + 2 * day) });
  expect(await look()).toEqual(everything);
});

test("an older mix that was published with stolen keys is followed by what was newest", async () => {
  const { look, stolen, ...place } = await house();
  const { version } = (await place.current()).targets;
  const older = await readFile(join(place.dir, "2.targets.json"));
  await forge(place, stolen, 50, { "targets.json": about(2, older) });
  expect((await place.current()).targets.version).toBe(2);
  await expect(look()).rejects.toMatchObject({ code: "ROLLBACK" });
  const proposal = await place.rotation(await place.onlineChanges("snapshot", "timestamp"));
  expect(await place.push(proposal, place.people.ann, place.people.bob)).toMatchObject({ targets: version });
  expect(await look()).toEqual(everything);
});

test("a department whose stolen key signed the highest version there is begins anew with the server's keys", async () => {
  const { look, stolen, ...place } = await house();
  const { ann, bob, dee, eve } = place.people;
  await forge(place, stolen, 50, await pushedUp(place, "group-finance", most, dee));
  expect(await look()).toEqual(everything);

  const change = { "group-finance": { add: [eve.key], remove: [dee.keyid] } };
  const changes = await place.onlineChanges("snapshot", "timestamp");
  const proposal = await place.rotation({ ...changes, ...change });
  await place.push(proposal, ann, bob, eve);
  expect(await look()).toEqual(everything);
  expect((await place.current()).delegated.get("group-finance")?.version).toBe(2);
});
