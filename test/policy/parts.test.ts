import { expect, test } from "vitest";
import { policyBounds } from "#policy/ban.ts";
import { parseGrants } from "#policy/granted.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { followed, membershipOf, parseDevices } from "#policy/members.ts";
import { bytesOf, grantText } from "./written.ts";
import { banText, refusalOf, toolText } from "./text.ts";

const hash = "1".repeat(64);
const ban = banText({ id: "finance/x" });
const groupText = (keys: object) => ({ name: "f", bans: [ban], ...keys });

const tooMany = (length: number): readonly number[] => Array<number>(length + 1).fill(0);

test.each<[what: string, keys: object, path: string, says: string]>([
  ["allows something", { allow: ["x"] }, "allow", 'found the key "allow"'],
  ["sets limits", { limits: { notifyPerDay: 0 } }, "limits", 'found the key "limits"'],
  ["makes exceptions", { exceptions: [] }, "exceptions", 'found the key "exceptions"'],
  ["may be empty without being asked", { allowEmpty: true }, "allowEmpty", 'found the key "allowEmpty"'],
  ["has a ban without its name", { bans: [banText()] }, "bans[0].id", "begins with the group's name"],
  ["has another group's ban", { bans: [ban, banText({ id: "sales/x" })] }, "bans[1].id", "begins with finance/"],
  ["has another group's tool", { tools: [toolText("sales/t")] }, "tools[0].id", "begins with finance/"],
  ["has two bans of one id", { bans: [ban, ban] }, "bans[1].id", "a second time"],
  ["has a key nobody knows", { bans: [{ ...ban, script: "rm" }] }, "bans[0].script", "only known keys"],
  ["says whose a ban is", { bans: [{ ...ban, group: "x" }] }, "bans[0].group", "only known keys"],
  ["is newer than this program", { formatVersion: 2 }, "formatVersion", "needs a newer edict"],
  ["has too many bans", { bans: tooMany(policyBounds.groupBans) }, "bans", "the bound is 1000"],
  [
    "has too many identities",
    { tools: [{ identities: tooMany(policyBounds.groupIdentities) }] },
    "tools",
    "10001 identities, the bound is 10000",
  ],
])("a group's policy that %s is refused, with its path", (_, keys, path, says) => {
  const error = refusalOf(() => parseGroupPolicy(bytesOf(groupText(keys)), "finance"));
  expect(error).toMatchObject({ path });
  expect(error.message).toContain(says);
});

test.each<[what: string, exceptions: readonly unknown[], path: string]>([
  ["name a person", [{ ...grantText({ device: undefined }), person: "ann" }], "exceptions[0].device"],
  ["name a person besides", [grantText({ person: "ann" })], "exceptions[0].person"],
  ["say why", [grantText({ reason: "r" })], "exceptions[0].reason"],
  ["name a device by its id", [grantText({ device: "device-1" })], "exceptions[0].device"],
  ["do not say since when", [grantText({ granted: undefined })], "exceptions[0].granted"],
  ["say an instant without its offset", [grantText({ until: "2026-07-20" })], "exceptions[0].until"],
])("exceptions that %s are refused, with the path", (_, exceptions, path) => {
  expect(refusalOf(() => parseGrants(bytesOf({ formatVersion: 1, exceptions })))).toMatchObject({ path });
});

test("exceptions say their version, and a newer one is refused by an author's tools", () => {
  expect(refusalOf(() => parseGrants(bytesOf({ exceptions: [] })))).toMatchObject({ path: "formatVersion" });
  expect(refusalOf(() => parseGrants(bytesOf({ formatVersion: 2, exceptions: [] })))).toMatchObject({
    code: "version",
  });
});

test.each<[what: string, groups: Readonly<Record<string, unknown>>, path: string]>([
  ["a group by no name", { "The Boss": {} }, 'groups["The Boss"]'],
  ["a device by its id", { finance: { devices: ["device-1"] } }, "groups.finance.devices[0]"],
  ["an empty label", { finance: { managed: [""] } }, "groups.finance.managed[0]"],
  ["a key nobody knows", { finance: { people: ["ann"] } }, "groups.finance.people"],
])("a list of who is in which group with %s is refused, with the path", (_, groups, path) => {
  expect(refusalOf(() => parseDevices(bytesOf({ groups })))).toMatchObject({ code: "shape", path });
});

test.each<[what: string, parse: (bytes: Uint8Array) => unknown, bound: number]>([
  ["a group's policy", (bytes) => parseGroupPolicy(bytes, "finance"), policyBounds.group],
  ["the server's exceptions", (bytes) => parseGrants(bytes), policyBounds.exceptions],
  ["the list of who is in which group", (bytes) => parseDevices(bytes), policyBounds.devices],
])("there is a bound on the bytes of %s", (_, parse, bound) => {
  const error = refusalOf(() => parse(new Uint8Array(bound + 1)));
  expect(error).toMatchObject({ code: "bounds" });
  expect(error.message).toContain(`the bound is ${bound}`);
});

test("there is a bound on groups", () => {
  const groups = Object.fromEntries(tooMany(policyBounds.groups).map((_, i) => [`g${i}`, {}]));
  const error = refusalOf(() => parseDevices(bytesOf({ groups })));
  expect(error).toMatchObject({ code: "bounds" });
  expect(error.message).toContain("more than 4096 keys");
});

test("of a group's policy from the future what is understood is taken, and nothing that a group may not say", () => {
  const text = {
    formatVersion: 2,
    name: "f",
    allow: ["x"],
    limits: { notifyPerDay: 0, perHour: 1 },
    signedBy: "somebody",
    bans: [ban, banText({ id: "x" }), banText({ id: "finance/new", weekdays: [1] })],
    tools: [toolText("finance/t", { kind: "aura" }), toolText("sales/t")],
  };
  const group = parseGroupPolicy(bytesOf(text), "finance", { newer: "tolerate" });
  expect(Object.keys(group).toSorted()).toEqual(["bans", "disabled", "ignored", "name", "tools"]);
  expect(group.bans.map(({ id }) => id)).toEqual(["finance/x"]);
  expect(group.disabled.map((one) => one.ban)).toEqual(["finance/new", "x"]);
  expect(group.tools.map(({ id }) => id)).toEqual(["finance/t"]);
  expect(group.ignored.map(({ path }) => path)).toEqual(["tools[0]", "tools[0].identities[0]", "tools"]);
});

test("an exception from the future that is not understood as a whole is left out", () => {
  const exceptions = [grantText(), grantText({ onlyAtNight: true })];
  const { exceptions: taken, ignored } = parseGrants(bytesOf({ formatVersion: 2, exceptions }), { newer: "tolerate" });
  expect(taken).toHaveLength(1);
  expect(ignored).toMatchObject([{ path: "exceptions[1]", why: expect.stringContaining("onlyAtNight") }]);
});

test("a group from the future that is not understood vouches for nobody", () => {
  const groups = { finance: { devices: [hash] }, sales: { devices: [hash], unless: "…" } };
  const devices = parseDevices(bytesOf({ formatVersion: 2, groups }), { newer: "tolerate" });
  expect(membershipOf(devices, hash, [])).toEqual({ groups: ["finance"], claimed: [] });
  expect(devices.ignored).toHaveLength(1);
});

const devices = parseDevices(
  bytesOf({
    groups: { finance: { devices: [hash] }, hr: { managed: ["HR laptops"] }, ops: { devices: ["2".repeat(64)] } },
  }),
);
test.each([
  ["is listed", hash, [], ["finance"], [], ["finance"]],
  ["has a label that the signers trust", "3".repeat(64), ["HR laptops"], ["hr"], ["HR laptops"], ["hr"]],
  ["only says so itself", "3".repeat(64), ["finance", "Kiosk"], [], ["Kiosk", "finance"], ["finance"]],
  ["is listed, and says so itself", hash, ["finance", "ops"], ["finance"], ["ops"], ["finance", "ops"]],
  ["is nowhere", "3".repeat(64), [], [], [], []],
])("who %s is in its groups: vouched for or claimed", (_, who, labels, groups, claimed, follows) => {
  const membership = membershipOf(devices, who, labels);
  expect(membership).toEqual({ groups, claimed });
  expect(followed(membership)).toEqual(follows);
});

test("where nobody has signed who is in which group, every group is only claimed", () => {
  expect(membershipOf(undefined, hash, ["finance", "finance"])).toEqual({ groups: [], claimed: ["finance"] });
});

test("a thousand groups of a hundred devices are read", () => {
  const many = Object.fromEntries(
    Array.from({ length: 1000 }, (_, g) => [
      `g${g}`,
      { devices: Array.from({ length: 100 }, (__, i) => String(g * 100 + i).padStart(64, "0")) },
    ]),
  );
  const read = parseDevices(bytesOf({ groups: many }));
  expect(membershipOf(read, "7".padStart(64, "0"), []).groups).toEqual(["g0"]);
});
