import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { diff } from "#policy/diff.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { lintGroup } from "#policy/lint-group.ts";
import { lint } from "#policy/lint.ts";
import { pathText } from "#policy/problem.ts";
import { banText, catalogOf, policyOf, stage, toolText } from "./text.ts";

const catalog = catalogOf(toolText("x"), toolText("y"), toolText("hints", { kind: "name", name: "hints" }));
const at = parseInstant("2026-07-20T00:00:00Z");

function codes(keys: Readonly<Record<string, unknown>>): readonly string[] {
  return lint(policyOf(keys), catalog, { at, vital: ["/opt/corp/agent"] }).map(
    ({ code, path }) => `${code} ${pathText(path)}`,
  );
}
const one = (keys: Readonly<Record<string, unknown>>): Record<string, unknown> => ({ bans: [banText(keys)] });
const early = { from: "2026-07-01T00:00:00Z", mode: "notify" };
const own = (identity: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...one({ tool: "own" }),
  tools: [toolText("own", { kind: "package", ecosystem: "npm", id: "own" }, identity)],
});

test("a policy with nothing to say about has no warning", () => {
  expect(codes(one({ stages: [early, stage], replacement: { tool: "y" } }))).toEqual([]);
});

test.each([
  ["no reason", one({ reason: undefined }), ["no-reason bans[0]"]],
  ["no owner", one({ owner: undefined }), ["no-owner bans[0]"]],
  ["a tool nobody knows", one({ tool: "unheard-of" }), ["unknown-tool bans[0].tool"]],
  ["a tool with hints only", one({ tool: "hints" }), ["no-proof bans[0].tool"]],
  ["hints only, where telling is all that is wanted", one({ tool: "hints", stages: [early] }), []],
  ["stages out of order", one({ stages: [stage, early] }), ["stage-order bans[0].stages[1].from"]],
  [
    "stages falling in strictness",
    one({ stages: [stage, { from: "2026-08-01T00:00:00Z", mode: "notify" }] }),
    ["stage-falls bans[0].stages[1].mode"],
  ],
  [
    "a replacement nobody knows",
    one({ replacement: { tool: "unheard-of" } }),
    ["replacement-unknown bans[0].replacement.tool"],
  ],
  [
    "a replacement that is itself banned",
    { bans: [banText({ replacement: { tool: "y" } }), banText({ id: "y", tool: "y" })] },
    ["replacement-banned bans[0].replacement.tool"],
  ],
  ["what is allowed and banned", { ...one({}), allow: ["x"] }, ["allowed-and-banned allow[0]"]],
  [
    "a ban behind an earlier one",
    { bans: [banText({ id: "a", stages: [early, stage] }), banText({ id: "b" })] },
    ["shadowed bans[1]"],
  ],
  [
    "a ban behind an earlier one, which gives less time",
    { bans: [banText({ id: "a" }), banText({ id: "b", running: { grace: "PT1M" } })] },
    [],
  ],
  [
    "a ban behind an earlier one, which is strict",
    { bans: [banText({ id: "a" }), banText({ id: "b", strict: true })] },
    [],
  ],
  [
    "two bans for different groups",
    { bans: [banText({ id: "a", scope: { groups: ["g"] } }), banText({ id: "b", scope: { groups: ["h"] } })] },
    [],
  ],
  [
    "a ban behind one for everybody",
    { bans: [banText({ id: "a" }), banText({ id: "b", scope: { os: ["linux"] } })] },
    ["shadowed bans[1]"],
  ],
  ["a stricter ban behind a milder one", { bans: [banText({ id: "a", stages: [early] }), banText({ id: "b" })] }, []],
  [
    "a ban for a part, which decides there before the one for all",
    { bans: [banText({ id: "a", scope: { percent: 50 } }), banText({ id: "b" })] },
    [],
  ],
  ["no group", one({ scope: { groups: [] } }), ["empty-scope bans[0].scope.groups"]],
  ["0 %", one({ scope: { percent: 0 } }), ["empty-scope bans[0].scope.percent"]],
  [
    "an exception for a ban that is not there",
    { ...one({}), exceptions: [{ ban: "q", person: "a", until: "2027-01-01T00:00:00Z" }] },
    ["exception-unknown exceptions[0].ban"],
  ],
  [
    "an exception that is over",
    { ...one({}), exceptions: [{ ban: "x", person: "a", until: "2026-07-19T00:00:00Z" }] },
    ["exception-over exceptions[0].until"],
  ],
  [
    "an exception that is never allowed",
    { ...one({ exceptions: "never" }), exceptions: [{ ban: "x", person: "a", until: "2027-01-01T00:00:00Z" }] },
    ["exception-never exceptions[0]"],
  ],
  [
    "an exception that is too long",
    {
      ...one({ exceptions: { max: "P1D" } }),
      exceptions: [{ ban: "x", person: "a", granted: "2026-07-19T00:00:00Z", until: "2027-01-01T00:00:00Z" }],
    },
    ["exception-long exceptions[0].until"],
  ],
  ["a tool in place of the catalog's", { ...one({}), tools: [toolText("x")] }, ["replaces-catalog tools[0].id"]],
  ["a path that is also sudo", own({ kind: "path", glob: "/usr/bin/s?do", grade: "proof" }), ["vital bans[0].tool"]],
  [
    "a package that is node",
    own({ kind: "package", ecosystem: "deb", id: "nodejs" }),
    ["interpreter bans[0].tool", "interpreter bans[0].tool"],
  ],
  ["a name that is python3", own({ kind: "name", name: "python3" }), ["interpreter bans[0].tool"]],
  [
    "a vital program of this machine",
    own({ kind: "path", glob: "/opt/corp/**", grade: "proof" }),
    ["vital bans[0].tool"],
  ],
])("lint on %s", (_what, keys, expected) => {
  expect(codes(keys)).toEqual(expected);
});

test("many bans of one tool are not compared each with each", () => {
  const bans = Array.from({ length: 5000 }, (_, i) => banText({ id: `b${i}` }));
  expect(lint(policyOf({ bans }), catalog).length).toBeGreaterThan(0);
});

test("a difference is told in words", () => {
  const a = policyOf({ bans: [banText({ stages: [early] }), banText({ id: "gone" })], allow: ["y"] });
  const b = policyOf({
    bans: [
      banText({ stages: [early, stage], reason: "Another." }),
      banText({ id: "new", tool: "y", replacement: { tool: "x" } }),
    ],
    exceptions: [{ ban: "x", person: "ann", until: "2027-01-01T00:00:00Z", reason: "audit" }],
    limits: { notifyPerDay: 1 },
  });
  expect(diff(a, b).map(({ text }) => text)).toMatchInlineSnapshot(`
    [
      "- ban gone: x [block from 2026-07-10T00:00:00+08:00] for everybody",
      "~ ban x: reason "A test." → "Another."; stages [notify from 2026-07-01T00:00:00Z] → [notify from 2026-07-01T00:00:00Z, block from 2026-07-10T00:00:00+08:00]",
      "+ ban new: y [block from 2026-07-10T00:00:00+08:00] for everybody, instead x",
      "- allow y: approved without being a replacement",
      "+ exception x for ann: until 2027-01-01T00:00:00Z: audit",
      "limits: {"notifyPerDay":3,"breaker":{"programs":20,"window":"PT1M"}} → {"notifyPerDay":1,"breaker":{"programs":20,"window":"PT1M"}}",
    ]
  `);
  expect(diff(a, a)).toEqual([]);
});

test("the order of keys is no difference", () => {
  const { id, tool, ...rest } = banText();
  expect(diff(policyOf({ bans: [{ id, tool, ...rest }] }), policyOf({ bans: [{ ...rest, tool, id }] }))).toEqual([]);
});

const except = (group: string) => ({ ...one({}), exceptions: [{ ban: "x", group, until: "2027-01-01T00:00:00Z" }] });

test("a group's exception that nothing vouches for is named", () => {
  expect(codes(except("g"))).toEqual(["exception-unvouched exceptions[0].group"]);
  const vouched = (...groups: readonly string[]) =>
    lint(policyOf(except("g")), catalog, { at, vouched: new Set(groups) }).map(({ text }) => text);
  expect(vouched("h")).toEqual(["no devices.json says who is in the group g: nobody has this exception"]);
  expect(vouched("g")).toEqual([]);
});

const group = (keys: Readonly<Record<string, unknown>>, base: Readonly<Record<string, unknown>> = one({ tool: "y" })) =>
  lintGroup(
    "finance",
    parseGroupPolicy(Buffer.from(JSON.stringify({ name: "f", bans: [], ...keys })), "finance"),
    policyOf({ allowEmpty: true, ...base }),
    catalog,
    { at },
  ).map(({ code, path }) => `${code} ${pathText(path)}`);
const theirs = (keys: Readonly<Record<string, unknown>> = {}) => banText({ id: "finance/x", ...keys });

test.each([
  ["with nothing to say about has no warning", group({ bans: [theirs()] }), []],
  ["is linted as any other", group({ bans: [theirs({ reason: undefined })] }), ["no-reason bans[0]"]],
  [
    "is told what will not count",
    group({ bans: [theirs(), theirs({ id: "finance/y", tool: "y" })] }, { ...one({}), allow: ["y"] }),
    ["not-counted bans[1]", "shadowed bans[0]"],
  ],
  [
    "is told that its tool is the base's",
    group({ tools: [toolText("finance/t")] }, { ...one({}), tools: [toolText("finance/t")] }),
    ["not-counted tools[0]"],
  ],
  [
    "is told that its replacement approves nothing",
    group({ bans: [theirs({ replacement: { tool: "y" } })] }, {}),
    ["replacement-unapproved bans[0].replacement.tool"],
  ],
  [
    "may point to what the base approves",
    group({ bans: [theirs({ replacement: { tool: "y" } })] }, { allow: ["y"] }),
    [],
  ],
  [
    "is told nothing of the base's own",
    group({ bans: [theirs()] }, { bans: [banText({ tool: "hints", owner: undefined })] }),
    [],
  ],
])("a group's policy %s", (_, found, expected) => {
  expect(found).toEqual(expected);
});

test("a group's ban puts none of the base's into its shadow, and the base's puts a group's", () => {
  const { bans } = policyOf({ bans: [banText(), banText({ id: "a", stages: [early, stage] })] });
  const found = (groups: readonly (string | undefined)[]) =>
    lint(
      { ...policyOf(one({})), bans: bans.map((ban, i) => ({ ...ban, ...(groups[i] && { group: groups[i] }) })) },
      catalog,
    )
      .filter(({ code }) => code === "shadowed")
      .map(({ ban }) => ban);
  expect(found([undefined, undefined])).toEqual(["x"]);
  expect(found([undefined, "finance"])).toEqual([]);
  expect(found(["finance", undefined])).toEqual(["x"]);
});
