import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { approvedBy, compile } from "#policy/compile.ts";
import { conflictText } from "#policy/conflict.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { grantText, merged, whom, type Written } from "./written.ts";
import { banText, catalogOf, toolText } from "./text.ts";

const npm = (id: string) => ({ kind: "package", ecosystem: "npm", id });
/** A group's own ban, of a tool of the base's unless the keys say otherwise. */
const own = (keys: Readonly<Record<string, unknown>> = {}) => banText({ id: "finance/x", ...keys });
const finance = (bans: readonly unknown[], tools: readonly unknown[] = []) => ({
  groups: { finance: { bans, tools } },
});
const base = { bans: [banText()], tools: [toolText("x"), toolText("y")] };
const approving = { ...base, allow: ["y"] };

/** What was written, which bans then hold, and what does not count. */
const rules: readonly (readonly [rule: string, written: Written, bans: readonly string[], said: readonly string[]])[] =
  [
    [
      "a group's ban of a tool of its own is added",
      { base, ...finance([own({ tool: "finance/t" })], [toolText("finance/t")]) },
      ["x", "finance/x"],
      [],
    ],
    [
      "a group's ban of a tool of the base's is added, and both hold",
      { base, ...finance([own()]) },
      ["x", "finance/x"],
      [],
    ],
    [
      "a group's ban of a tool of the catalog's is added",
      { base, catalog: [toolText("z")], ...finance([own({ tool: "z" })]) },
      ["x", "finance/x"],
      [],
    ],
    [
      "a group does not replace a ban of the base's",
      {
        base: { ...base, bans: [banText({ id: "finance/x" })] },
        ...finance([own({ stages: [{ from: "2026-07-01T00:00:00Z", mode: "observe" }] })]),
      },
      ["finance/x"],
      [
        "the ban finance/x of the policy of the group finance is left out: the base policy has a ban of that id, and it stays as it is",
      ],
    ],
    [
      "a group does not replace a tool of the base's",
      {
        base: { ...base, tools: [toolText("finance/t", npm("t"))] },
        ...finance([own({ tool: "finance/t" })], [toolText("finance/t", npm("other"))]),
      },
      ["x", "finance/x"],
      [
        "the tool finance/t of the policy of the group finance is left out: the base policy or the catalog has a tool of that id, and it stays as it is",
      ],
    ],
    [
      "a group does not replace a tool of the catalog's",
      { base, catalog: [toolText("finance/t", npm("t"))], ...finance([], [toolText("finance/t", npm("other"))]) },
      ["x"],
      [
        "the tool finance/t of the policy of the group finance is left out: the base policy or the catalog has a tool of that id, and it stays as it is",
      ],
    ],
    [
      "a group bans no tool of another group's",
      {
        base,
        groups: { finance: { bans: [own({ tool: "sales/t" })] }, sales: { bans: [], tools: [toolText("sales/t")] } },
      },
      ["x"],
      [
        "the ban finance/x of the policy of the group finance is left out: there is no tool sales/t in that policy, in the base policy or in the catalog",
      ],
    ],
    [
      "a group bans nothing that the base allows",
      { base: approving, ...finance([own({ tool: "y" })]) },
      ["x"],
      [
        "the ban finance/x of the policy of the group finance is left out: the base policy approves y, and what is approved goes first",
      ],
    ],
    [
      "a group bans no replacement of the base's",
      { base: { ...base, bans: [banText({ replacement: { tool: "y" } })] }, ...finance([own({ tool: "y" })]) },
      ["x"],
      [
        "the ban finance/x of the policy of the group finance is left out: the base policy approves y, and what is approved goes first",
      ],
    ],
    [
      "a group does not ban by another name what the base approves",
      {
        base: approving,
        ...finance([own({ tool: "finance/t" })], [toolText("finance/t", { ...npm("Y"), grade: "hint" }, npm("t"))]),
      },
      ["x", "finance/x"],
      [
        "an identity of the tool finance/t of the policy of the group finance is left out: the npm package Y is y's, which the base policy approves",
      ],
    ],
    [
      "an exception of the server's is for one device, and the others' are nobody's business",
      { base, grants: [grantText({ device: "2".repeat(64) })] },
      ["x"],
      [],
    ],
    [
      "an exception from a ban that is not in force here does nothing",
      { base, grants: [grantText({ ban: "z" })] },
      ["x"],
      [
        "an exception from the ban z of the server's list of exceptions does not count: no ban of that id is in force here",
      ],
    ],
    [
      'an exception from a ban that says "never" does nothing',
      { base: { ...base, bans: [banText({ exceptions: "never" })] }, grants: [grantText()] },
      ["x"],
      ["an exception from the ban x of the server's list of exceptions does not count: this ban allows none"],
    ],
    [
      "an exception that ends before it begins does nothing",
      { base, grants: [grantText({ until: "2026-07-12T00:00:00Z" })] },
      ["x"],
      [
        "an exception from the ban x of the server's list of exceptions does not count: it ends on 2026-07-12T00:00:00Z, before it was granted",
      ],
    ],
    [
      "an exception lasts no longer than its ban allows",
      { base: { ...base, bans: [banText({ exceptions: { max: "P7D" } })] }, grants: [grantText()] },
      ["x"],
      [
        "an exception from the ban x of the server's list of exceptions ends on 2026-07-19T00:00:00Z and not on 2026-07-20T00:00:00Z: P7D from its grant on 2026-07-12T00:00:00Z is the longest that the ban allows",
      ],
    ],
    [
      "an exception lasts 30 days where its ban does not say",
      { base, grants: [grantText({ until: "2030-01-01T00:00:00Z" })] },
      ["x"],
      [
        "an exception from the ban x of the server's list of exceptions ends on 2026-08-11T00:00:00Z and not on 2030-01-01T00:00:00Z: P30D from its grant on 2026-07-12T00:00:00Z is the longest where a ban does not say",
      ],
    ],
    [
      "a group does not say what a tool is that the base approves without describing it",
      { base: { ...base, allow: ["finance/t"] }, ...finance([], [toolText("finance/t")]) },
      ["x"],
      [
        "the tool finance/t of the policy of the group finance is left out: the base policy approves what has that id, and a group does not say what that is",
      ],
    ],
    [
      "an exception from a group's ban is held to that ban",
      { base, ...finance([own({ exceptions: "never" })]), grants: [grantText({ ban: "finance/x" })] },
      ["x", "finance/x"],
      ["an exception from the ban finance/x of the server's list of exceptions does not count: this ban allows none"],
    ],
    [
      "an exception of the base's for a group that the device only claims to be in does not count",
      { base: { ...base, exceptions: [{ ban: "x", group: "sales", until: "2027-01-01T00:00:00Z" }] } },
      ["x"],
      [
        "an exception from the ban x of the base policy for the group sales does not count here: only this device's own configuration says that it is in that group",
      ],
    ],
    [
      "an exception of the base's for a group that is vouched for counts",
      { base: { ...base, exceptions: [{ ban: "x", group: "finance", until: "2027-01-01T00:00:00Z" }] } },
      ["x"],
      [],
    ],
  ];

test.each(rules)("%s", (_rule, written, bans, said) => {
  const { policy, conflicts } = merged(written);
  expect(policy.bans.map(({ id }) => id)).toEqual(bans);
  expect(conflicts.map(conflictText)).toEqual(said);
});

const seen = (...ids: readonly string[]) =>
  evidenceSchema.parse({
    id: "e",
    kind: "exec",
    seen: { package: { value: ids.map(npm).map(({ ecosystem, id }) => ({ ecosystem, id })) } },
  });
const august = "2026-08-01T00:00:00Z";

function decided(written: Written, { tool = "x", at = august, device = {} } = {}) {
  const { policy } = merged(written);
  const matcher = compile(policy, catalogOf(...(written.catalog ?? [])));
  const { id, groups, claimed } = whom;
  return decide(
    matcher,
    seen(tool),
    parseInstant(at),
    deviceOf(deviceSchema.parse({ id, groups, claimed, ...device })),
  );
}

const in2020 = (mode: string) => ({ stages: [{ from: "2020-01-01T00:00:00Z", mode }] });
const lasting = (until: string) => ({ exceptions: [{ ban: "x", group: "sales", until }] });

test("what the base approves is not banned by another name, and what is not stays banned", () => {
  const theirs = toolText("finance/t", { kind: "name", name: "y" }, npm("y"), npm("t"));
  const written = {
    base: {
      ...base,
      allow: ["y"],
      tools: [toolText("y", npm("y"), { kind: "name", name: "y" }), toolText("z", npm("t"))],
    },
    ...finance([own({ tool: "finance/t" })], [theirs]),
  };
  expect(merged(written).policy.tools.at(-1)?.identities).toEqual([npm("t")]);
  expect(decided(written, { tool: "y" }).mode).toBe("allow");
  expect(decided(written, { tool: "t" })).toMatchObject({ mode: "block", ban: "finance/x" });
});

test("a group's replacement approves nothing", () => {
  const written = { base, ...finance([own({ replacement: { tool: "x" } })]) };
  expect([...approvedBy(merged(written).policy)]).toEqual([]);
  expect(decided(written).mode).toBe("block");
});

test.each([
  ["milder than the base's does nothing", "observe", { mode: "block", ban: "x" }],
  ["as strict as the base's leaves the word to the base", "block", { mode: "block", ban: "x" }],
  ["stricter than the base's decides", "remove", { mode: "remove", ban: "finance/x" }],
])("a group's ban that is %s, however early it began", (_, mode, expected) => {
  expect(decided({ base, ...finance([own(in2020(mode))]) })).toMatchObject(expected);
});

test("a group's stricter ban gives nobody more time than the base, and opens nothing that the base holds shut", () => {
  const strict = { ...base, bans: [banText({ strict: true, running: { grace: "PT5M" } })] };
  const slow = own({ ...in2020("remove"), running: { grace: "P365D" } });
  expect(decided({ base: strict, ...finance([slow]) })).toMatchObject({
    ban: "finance/x",
    notice: { grace: 300_000, strict: true },
  });
  const quick = own({ ...in2020("warn"), running: { grace: "PT0S" } });
  expect(decided({ base: strict, ...finance([quick]) })).toMatchObject({
    ban: "x",
    notice: { grace: 0, strict: true },
  });
  const told = own({ ...in2020("notify"), running: { grace: "PT0S" } });
  expect(decided({ base: strict, ...finance([told]) })).toMatchObject({ ban: "x", notice: { grace: 300_000 } });
});

test("an exception of the server's counts from its grant on, as far as clocks agree, until it ends", () => {
  const written = { base: { ...base, bans: [banText({ exceptions: { max: "P7D" } })] }, grants: [grantText()] };
  const modes = [
    ["2026-07-10T23:59:59Z", "block"],
    ["2026-07-11T00:00:00Z", "allow"],
    ["2026-07-18T23:59:59Z", "allow"],
    ["2026-07-19T00:00:00Z", "block"],
  ].map(([at = "", mode]) => [decided(written, { at }).mode, mode]);
  expect(modes.map(([found]) => found)).toEqual(modes.map(([, expected]) => expected));
  const { policy } = merged(written);
  const m = compile(policy, catalogOf());
  expect(m.nextChange(parseInstant("2026-07-10T00:00:00Z"))).toBe(parseInstant("2026-07-11T00:00:00Z"));
  expect(decided(written, { at: "2026-07-15T00:00:00Z", device: { id: "another" } }).mode).toBe("block");
});

test("a group that a device only claims to be in can ban, and loosens nothing", () => {
  const scoped = { ...base, bans: [banText({ scope: { groups: ["sales"] } })] };
  expect(decided({ base: scoped }).mode).toBe("block");
  expect(decided({ base: scoped }, { device: { claimed: [] } }).mode).toBe("allow");
  const excepted = { ...base, ...lasting("2027-01-01T00:00:00Z") };
  expect(decided({ base: excepted }).mode).toBe("block");
  expect(decided({ base: excepted }, { device: { groups: ["sales"], claimed: [] } }).mode).toBe("allow");
});
