import { expect, test } from "vitest";
import { proposeDelegation, proposeRemoval, proposeRenewal } from "#publish/delegate.ts";
import { publishProposal } from "#publish/proposal.ts";
import { resignTimestamp } from "#publish/repository.ts";
import { newSigner } from "#publish/signer.ts";
import { day } from "../trust/repository.ts";
import { followers, groupPolicy, office, policyWith } from "./office.ts";

test("a department signs bans of its own, and its devices have them from then on", async () => {
  const place = await office();
  const { dee, eve } = place.people;
  const look = await followers(place, { groups: ["finance"] });
  expect(await place.delegate("group-finance", [dee, eve], 2)).toMatchObject({ targets: 3 });
  expect(await look()).toMatchObject({ policy: "first", groups: {} });
  await expect(place.group("finance", groupPolicy("finance", "money"), dee)).rejects.toMatchObject({
    code: "SIGNATURE",
    file: "group-finance",
    seen: 1,
    wanted: 2,
  });
  await place.group("finance", groupPolicy("finance", "money"), dee, eve);
  expect(await look()).toMatchObject({ policy: "first", groups: { finance: "money" } });
  await place.policy({ policy: policyWith("second") }, place.people.ann, place.people.cho);
  expect(await look()).toMatchObject({ policy: "second", groups: { finance: "money" } });
});

test("who signs for a department signs for nobody else", async () => {
  const place = await office();
  const { dee, eve } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.delegate("group-research", [eve]);
  await expect(place.group("research", groupPolicy("research", "x"), dee)).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(place.policy({ policy: policyWith("x") }, dee)).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(place.group("nobody", groupPolicy("nobody", "x"), dee)).rejects.toMatchObject({ code: "PROPOSAL" });
});

test.each([
  ["that loosens", { ...JSON.parse(groupPolicy("finance", "x").toString()), allow: ["anydesk"] }],
  ["with a ban of another's name", JSON.parse(groupPolicy("research", "x").toString())],
  ["that is none", []],
])("a department's policy %s is not published, whoever signed it", async (_what, policy) => {
  const place = await office();
  await place.delegate("group-finance", [place.people.dee]);
  const bytes = Buffer.from(JSON.stringify(policy));
  await expect(place.group("finance", bytes, place.people.dee)).rejects.toMatchObject({ code: "PROPOSAL" });
});

test("a department that is dissolved is asked no longer, and may come again with other people", async () => {
  const place = await office();
  const { ann, bob, dee, eve } = place.people;
  const look = await followers(place, { groups: ["finance"] });
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  await place.push(proposeRemoval("group-finance", await place.current(), place.clock.now()), ann, bob);
  expect(await look()).toMatchObject({ groups: {} });
  const again = { role: "group-finance", keys: [eve.key], threshold: 1 };
  const proposal = proposeDelegation(again, await place.current(), place.clock.now());
  await expect(place.push(proposal, ann, bob)).rejects.toMatchObject({ code: "SIGNATURE", file: "group-finance" });
  await place.push(proposal, ann, bob, eve);
  expect(await look()).toMatchObject({ groups: {} });
  await place.group("finance", groupPolicy("finance", "new money"), eve);
  expect(await look()).toMatchObject({ groups: { finance: "new money" } });
});

test.each([
  ["group-Finance", 1, "KEY"],
  ["finance", 1, "KEY"],
  ["root", 1, "KEY"],
  ["group-finance", 2, "KEY"],
  ["group-there", 1, "EXISTS"],
])("nothing is delegated to %s with a threshold of %i: %s", async (role, threshold, code) => {
  const place = await office();
  await place.delegate("group-there", [place.people.dee]);
  const delegation = { role, keys: [newSigner().key], threshold };
  const current = await place.current();
  expect(() => proposeDelegation(delegation, current, place.clock.now())).toThrow(expect.objectContaining({ code }));
});

test("what people sign is good for longer when they sign it again, and says the same", async () => {
  const place = await office();
  const { ann, cho, dee } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  const look = await followers(place, { groups: ["finance"] });
  const before = await place.current();
  place.clock.add(170 * day);
  await place.push(proposeRenewal(["targets"], before, place.clock.now()), ann, cho);
  await place.push(proposeRenewal(["group-finance"], before, place.clock.now()), dee);
  await place.push(proposeRenewal(["root"], before, place.clock.now()), ann, cho);
  place.clock.add(100 * day);
  await resignTimestamp(place);
  expect(await look()).toMatchObject({ policy: "first", groups: { finance: "money" } });
  place.clock.add(200 * day);
  await expect(resignTimestamp(place)).rejects.toMatchObject({ code: "EXPIRED", file: "targets" });
});

test("an expired root, targets and timestamp are renewed, and devices go on", async () => {
  const place = await office();
  const { ann, bob } = place.people;
  const look = await followers(place);
  place.clock.add(400 * day);
  await expect(look()).rejects.toMatchObject({ code: "EXPIRED" });
  const now = place.clock.now();
  // Neither alone is anything that a device would take: both are signed before either is published.
  const [root, targets] = [
    proposeRenewal(["root"], await place.current(), now),
    proposeRenewal(["targets"], await place.current(), now),
  ];
  await expect(place.push(root, ann, bob)).rejects.toMatchObject({ code: "EXPIRED", file: "targets" });
  await place.push({ ...root, roles: { ...root.roles, ...targets.roles } }, ann, bob);
  expect(await look()).toMatchObject({ policy: "first" });
});

test("an expired department does not hold up anybody else", async () => {
  const place = await office();
  const { ann, bob, dee } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  place.clock.add(170 * day);
  await place.push(proposeRenewal(["targets"], await place.current(), place.clock.now()), ann, bob);
  place.clock.add(20 * day);
  await resignTimestamp(place);
  await place.policy({ policy: policyWith("second") }, ann, bob);
  const look = await followers(place, { groups: ["finance"] });
  expect(await look()).toMatchObject({ policy: "second", groups: { finance: "money" } });
});

test("a dry run says what would be in force, and leaves every file as it is", async () => {
  const place = await office();
  const { ann, bob } = place.people;
  const proposal = await place.signed(proposeRenewal(["root"], await place.current(), place.clock.now()), ann, bob);
  const { dir, keysDir, clock } = place;
  const before = await place.current();
  expect(await publishProposal({ dir, keysDir, clock, proposal, dryRun: true })).toMatchObject({
    root: 2,
    timestamp: 3,
  });
  expect((await place.current()).set.files).toEqual(before.set.files);
  expect((await place.current()).set.root.version).toBe(1);
});
