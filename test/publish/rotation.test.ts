import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { bytesOf, resignTimestamp } from "#publish/repository.ts";
import { grantException } from "#publish/exceptions.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { onlineKeys } from "#publish/online-keys.ts";
import { keyidOf, newSigner, type Signer } from "#publish/signer.ts";
import { sha256 } from "#trust/sha256.ts";
import { day, hour } from "../trust/repository.ts";
import { followers, groupPolicy, office, policyWith, type Office } from "./office.ts";

const device = sha256("a device");

/** Everything there is: a department, exceptions, and devices that follow both. */
async function house(): Promise<Office & { readonly look: Awaited<ReturnType<typeof followers>> }> {
  const place = await office();
  const { dee } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  const changes = await place.onlineChanges("exceptions");
  const key = (await onlineKeys(place.keysDir, "exceptions"))[0];
  if (key === undefined || changes["exceptions"] === undefined) throw new Error("no key was made");
  await place.delegate("exceptions", [key]);
  await grantException({ ...place, ban: "anydesk", device, until: instantOf(place.clock.at + day) });
  const look = await followers(place, { groups: ["finance"], shard: sha256(device).slice(0, 2) });
  expect(await look()).toEqual(all("first"));
  return { ...place, look };
}

function all(policy: string): unknown {
  return { policy, groups: { finance: "money" }, exceptions: [expect.objectContaining({ ban: "anydesk" })] };
}

test("a root key that was stolen or lost is replaced by the others, and signs nothing from then on", async () => {
  const { look, people, ...place } = await house();
  const { ann, bob, cho, eve } = people;
  const proposal = await place.rotation({ root: { add: [eve.key], remove: [cho.keyid] } });
  expect(Object.keys(proposal.roles)).toEqual(["root"]);
  // Two of the old keys, and two of the new ones: these two are both.
  expect(await place.push(proposal, ann, bob)).toMatchObject({ root: 2 });
  expect(await look()).toEqual(all("first"));
  const next = await place.rotation({ root: { add: [], remove: [], threshold: 1 } });
  await expect(place.push(next, cho)).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(place.push(next, ann, cho)).rejects.toMatchObject({ code: "SIGNATURE" });
  expect(await place.push(next, ann, eve)).toMatchObject({ root: 3 });
  expect(await look()).toEqual(all("first"));
});

test("the new root's own keys have to sign it too", async () => {
  const { people, ...place } = await house();
  const { ann, bob, cho, dee, eve } = people;
  const change = { add: [dee.key, eve.key], remove: [ann.keyid, bob.keyid] };
  const proposal = await place.rotation({ root: change });
  await expect(place.push(proposal, ann, bob)).rejects.toMatchObject({ code: "SIGNATURE", seen: 0 });
  await expect(place.push(proposal, dee, eve)).rejects.toMatchObject({ code: "SIGNATURE", seen: 0 });
  await expect(place.push(proposal, ann, bob, dee, eve)).resolves.toMatchObject({ root: 2 });
  expect((await place.current()).set.root.roles.root.keyids).toEqual([cho.keyid, dee.keyid, eve.keyid]);
});

test("a policy key that was stolen is replaced, and what it helped to sign is signed anew with the root that says so", async () => {
  const { look, people, ...place } = await house();
  const { ann, bob, cho, eve } = people;
  const proposal = await place.rotation({ targets: { add: [eve.key], remove: [bob.keyid] } });
  expect(Object.keys(proposal.roles)).toEqual(["root", "targets"]);
  await expect(place.push({ ...proposal, roles: rootOnly(proposal.roles) }, ann, cho)).rejects.toMatchObject({
    code: "SIGNATURE",
    file: "targets",
  });
  expect(await place.push(proposal, ann, cho)).toMatchObject({ root: 2, targets: 5 });
  expect(await look()).toEqual(all("first"));
  await expect(place.policy({ policy: policyWith("x") }, ann, bob)).rejects.toMatchObject({ code: "SIGNATURE" });
  await place.policy({ policy: policyWith("second") }, cho, eve);
  expect(await look()).toEqual(all("second"));
});

function rootOnly(roles: Readonly<Record<string, unknown>>): never {
  return { root: roles["root"] } as never;
}

test("a policy key that did not sign what is in force is replaced by a root alone", async () => {
  const { look, people, ...place } = await house();
  const proposal = await place.rotation({ targets: { add: [people.eve.key], remove: [people.cho.keyid] } });
  expect(Object.keys(proposal.roles)).toEqual(["root"]);
  await place.push(proposal, people.ann, people.cho);
  expect(await look()).toEqual(all("first"));
});

test("a department's stolen key is replaced by the policy signers, and its policy is signed anew in the same act", async () => {
  const { look, people, ...place } = await house();
  const { ann, cho, dee, eve } = people;
  const proposal = await place.rotation({ "group-finance": { add: [eve.key], remove: [dee.keyid] } });
  expect(Object.keys(proposal.roles)).toEqual(["targets", "group-finance"]);
  await expect(place.push(proposal, ann, cho)).rejects.toMatchObject({ code: "SIGNATURE", file: "group-finance" });
  await expect(place.push(proposal, ann, cho, dee)).rejects.toMatchObject({ file: "group-finance" });
  await place.push(proposal, ann, cho, eve);
  expect(await look()).toEqual(all("first"));
  await expect(place.group("finance", groupPolicy("finance", "x"), dee)).rejects.toMatchObject({ code: "SIGNATURE" });
  await place.group("finance", groupPolicy("finance", "more money"), eve);
  expect(await look()).toMatchObject({ groups: { finance: "more money" } });
});

const online = [["timestamp"], ["snapshot"], ["exceptions"], ["snapshot", "timestamp", "exceptions"]] as const;
const cases = online.flatMap((roles) => (["stolen", "lost"] as const).map((how) => ({ roles, how })));
test.each(cases)("the server's keys for $roles, $how, are made anew, and devices follow", async ({ roles, how }) => {
  const { look, people, ...place } = await house();
  const { ann, bob } = people;
  const former: Signer[] = [];
  for (const role of roles) former.push(...(await onlineKeys(place.keysDir, role)));
  if (how === "lost") for (const role of roles) await rm(join(place.keysDir, `${role}.pem`));
  // A lost key's id is known from the metadata that names it.
  const changes = await place.onlineChanges(...roles);
  const named = Object.entries(changes).map(([role, change], i) => [
    role,
    { ...change, remove: [former[i]?.keyid ?? ""] },
  ]);
  const proposal = await place.rotation(Object.fromEntries(named));
  await place.push(proposal, ann, bob);
  expect(await look()).toEqual(all("first"));
  // The keys that were replaced lie here no longer, and the new ones serve.
  for (const role of roles) {
    const here = await onlineKeys(place.keysDir, role);
    expect(here.map(({ keyid }) => keyid)).toEqual(changes[role]?.add.map(keyidOf));
  }
  place.clock.add(hour);
  await resignTimestamp(place);
  await grantException({ ...place, ban: "anydesk", device, until: instantOf(place.clock.at + 2 * day) });
  await place.policy({ policy: policyWith("second") }, ann, bob);
  expect(await look()).toEqual(all("second"));
});

test("a timestamp that a stolen key signs after it was replaced is believed by nobody", async () => {
  const { look, people, ...place } = await house();
  const [stolen = newSigner()] = await onlineKeys(place.keysDir, "timestamp");
  await place.push(await place.rotation(await place.onlineChanges("timestamp")), people.ann, people.bob);
  await look();
  const { snapshot } = bytesOf((await place.current()).set);
  const { version } = (await place.current()).snapshot;
  const meta = { "snapshot.json": { version, ...describeBytes(snapshot) } };
  const forged = fileOf(await signed({ ...header("timestamp", 99, place.clock.now()), meta }, [stolen]));
  const good = await readFile(join(place.dir, "timestamp.json"));
  await writeFile(join(place.dir, "timestamp.json"), forged);
  await expect(look()).rejects.toMatchObject({ code: "SIGNATURE", file: "timestamp" });
  await writeFile(join(place.dir, "timestamp.json"), good);
  expect(await look()).toEqual(all("first"));
});

test.each([
  ["removes a key that is not there", { remove: ["0123456789abcdef"] }, "KEY"],
  ["names a key too briefly", { remove: ["01"] }, "KEY"],
  ["wants more signatures than there are keys", { threshold: 4 }, "KEY"],
  ["adds a key that is there", { again: true }, "KEY"],
])(
  "a rotation that %s is not proposed",
  async (
    _what,
    { remove = [], threshold, again }: Partial<{ remove: string[]; threshold: number; again: boolean }>,
    code,
  ) => {
    const place = await office();
    const add = again === true ? [place.people.ann.key] : [];
    await expect(place.rotation({ root: { add, remove, threshold } })).rejects.toMatchObject({ code });
  },
);
