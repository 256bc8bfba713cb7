import { expect, test } from "vitest";
import { proposeDelegation, proposeRemoval, proposeRenewal } from "#publish/delegate.ts";
import { hashedDevices } from "#publish/devices.ts";
import { examine } from "#publish/examine.ts";
import { proposeGroupPolicy, proposePolicy } from "#publish/propose-policy.ts";
import { proposeRepository } from "#publish/propose-root.ts";
import type { Proposal } from "#publish/proposal-file.ts";
import { review } from "#publish/review.ts";
import { newSigner } from "#publish/signer.ts";
import { parseDevices } from "#policy/members.ts";
import { sha256 } from "#trust/sha256.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { TestClock } from "../trust/repository.ts";
import { groupPolicy, office, policyWith, type Office } from "./office.ts";

/** What a signer is shown, as one text. */
async function words(place: Office, proposal: Proposal): Promise<string> {
  const current = await place.current();
  const base = { root: current.set.root, current };
  return (await review(examine(proposal, base), base, place.clock.now())).join("\n");
}

test("before a first root is signed one reads who will sign what, with every key id in full", async () => {
  const people = [newSigner(), newSigner(), newSigner()];
  const clock = new TestClock("2026-07-10T00:00:00Z");
  const keys = people.map(({ key }) => key);
  const options = {
    rootKeys: keys,
    targetsKeys: keys.slice(0, 2),
    threshold: 2,
    keysDir: await temporaryFolder(),
    clock,
  };
  const base = { root: undefined, current: undefined };
  const lines = await review(examine(await proposeRepository(options), base), base, clock.now());
  expect(lines[0]).toBe("a new root: who may sign what, good until 2027-07-10T00:00:00Z");
  expect(lines).toContain("  root: 2 of 3 keys may say who may sign what");
  expect(lines).toContain("  targets: 2 of 2 keys may sign policies, and delegate to departments");
  for (const { keyid } of people) expect(lines.filter((line) => line.includes(keyid)).length).toBeGreaterThan(0);
});

test("a new root is shown by what changes: keys, thresholds, and for how long it is good", async () => {
  const place = await office();
  const { cho, eve } = place.people;
  const text = await words(
    place,
    await place.rotation({ root: { add: [eve.key], remove: [cho.keyid], threshold: 3 } }),
  );
  expect(text).toContain("root version 2, good until 2027-07-10T00:00:00Z; version 1 is in force until 2027-07-10");
  expect(text).toContain(`+ root: key ${eve.keyid} (ed25519) may sign from now on`);
  expect(text).toContain(`- root: key ${cho.keyid} (ed25519) may sign no longer`);
  expect(text).toContain("~ root: 3 of 3 keys have to sign, it was 2 of 3 keys");
  const renewal = await words(place, proposeRenewal(["root"], await place.current(), place.clock.now()));
  expect(renewal).toContain("the same keys and thresholds: it is good for longer, and nothing else");
});

test("a delegation is shown with its keys, its threshold and what it may sign", async () => {
  const place = await office();
  const { dee, eve } = place.people;
  const delegation = { role: "group-finance", keys: [dee.key, eve.key], threshold: 2 };
  const text = await words(place, proposeDelegation(delegation, await place.current(), place.clock.now()));
  expect(text).toContain("+ group-finance is new: 2 of 2 keys may sign groups/finance/policy.json");
  expect(text).toContain(`+ group-finance: key ${eve.keyid} (ed25519) may sign from now on`);
  await place.delegate("group-finance", [dee, eve], 2);
  expect(
    await words(place, await place.rotation({ "group-finance": { add: [], remove: [], threshold: 1 } })),
  ).toContain("~ group-finance: 1 of 2 keys have to sign, it was 2 of 2 keys");
  expect(await words(place, proposeRemoval("group-finance", await place.current(), place.clock.now()))).toContain(
    "- group-finance is taken away, and what it had signed counts no longer",
  );
});

test("a policy is shown ban by ban, with what will hurt; a catalog tool by tool", async () => {
  const place = await office();
  const policy = JSON.parse(policyWith("second").toString());
  policy.bans = [policy.bans[0], { ...policy.bans[1], exceptions: { max: "P1D" } }, { ...policy.bans[2], id: "other" }];
  const catalog = { formatVersion: 1, tools: [{ ...policy.tools[0], id: "more", name: "More", category: "other" }] };
  const next = { policy: Buffer.from(JSON.stringify(policy)), catalog: Buffer.from(JSON.stringify(catalog)) };
  const text = await words(place, proposePolicy(next, await place.current(), place.clock.now()));
  for (const line of [
    "targets version 3, good until 2027-01-06T00:00:00Z; version 2 is in force until 2027-01-06T00:00:00Z",
    "the name is second, it was first",
    '~ ban never: exceptions "never" → {"max":"P1D"}',
    "- ban unsaid: anydesk [block from 2026-07-01T00:00:00Z] for everybody",
    "+ ban other: anydesk [block from 2026-07-01T00:00:00Z] for everybody",
    "+ the catalog's tool more: More, 1 identities",
    "warning: bans[0]",
  ])
    expect(text).toContain(line);
});

test("a department's policy is shown against the one it has, with what will hurt beside the base", async () => {
  const place = await office();
  await place.delegate("group-finance", [place.people.dee]);
  const text = await words(
    place,
    proposeGroupPolicy("finance", groupPolicy("finance", "money"), await place.current(), place.clock.now()),
  );
  expect(text).toContain("group-finance version 1, good until 2027-01-06T00:00:00Z");
  expect(text).toContain("+ ban finance/vnc: finance/vnc [notify from 2026-07-01T00:00:00Z] for everybody");
  expect(text).toMatch(/warning: group finance: bans\[0\]/);
  await place.group("finance", groupPolicy("finance", "money"), place.people.dee);
  const renamed = proposeGroupPolicy(
    "finance",
    groupPolicy("finance", "gold"),
    await place.current(),
    place.clock.now(),
  );
  expect(await words(place, renamed)).toContain("the name is gold, it was money");
});

test("who is in which group is signed by hashes, and shown by numbers and labels", async () => {
  const place = await office();
  const { ann, bob } = place.people;
  const ids = [sha256("one"), sha256("two")];
  const written = {
    groups: { finance: { ids, managed: ["Finance laptops"] }, research: { devices: [sha256(ids[0] ?? "")] } },
  };
  const devices = hashedDevices(Buffer.from(JSON.stringify(written)));
  expect(devices.toString()).not.toContain(ids[0]);
  expect(parseDevices(devices).groups.get("finance")?.devices).toEqual(ids.map((id) => sha256(id)));
  const text = await words(place, proposePolicy({ devices }, await place.current(), place.clock.now()));
  expect(text).toContain("~ group finance: 2 devices, 2 more and 0 fewer");
  expect(text).toContain('+ group finance: whoever is managed as "Finance laptops"');
  await place.policy({ devices }, ann, bob);
  const fewer = hashedDevices(Buffer.from(JSON.stringify({ groups: { finance: { ids: ids.slice(1) } } })));
  const next = await words(place, proposePolicy({ devices: fewer }, await place.current(), place.clock.now()));
  expect(next).toContain("~ group finance: 1 devices, 0 more and 1 fewer");
  expect(next).toContain('- group finance: whoever is managed as "Finance laptops"');
  expect(next).toContain("~ group research: 0 devices, 0 more and 1 fewer");
});

test.each(["no JSON", "[]", '{"groups":{"finance":{"ids":["ann"]}}}'])("%s is no list of devices", (text) => {
  expect(() => hashedDevices(Buffer.from(text))).toThrow(expect.objectContaining({ code: "PROPOSAL" }));
});
