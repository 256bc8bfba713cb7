import { expect, test } from "vitest";
import { policyBounds, type Policy } from "#policy/ban.ts";
import { conflictText } from "#policy/conflict.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { inOrder, merge, type Merged } from "#policy/merge.ts";
import { bytesOf, grantText, merged, whom } from "./written.ts";
import { banText, catalogOf, policyOf, toolText } from "./text.ts";

// What a merged policy is as a whole: everything that it is made of, and nothing twice or left behind.

const own = (keys: Readonly<Record<string, unknown>> = {}) => banText({ id: "finance/x", ...keys });
const base = { bans: [banText()], tools: [toolText("x"), toolText("y")] };

test("an exception that ends no later than its ban allows is as it was granted, and goes to no other device", () => {
  const sales = { ban: "x", group: "sales", until: "2027-01-01T00:00:00Z" };
  const written = {
    base: {
      ...base,
      bans: [banText({ exceptions: { max: "P7D" } })],
      exceptions: [sales],
    },
    grants: [grantText({ until: "2026-07-19T00:00:00Z" }), grantText({ device: "2".repeat(64) })],
  };
  const { policy, conflicts } = merged(written, { ...whom, claimed: [] });
  expect(policy.exceptions).toEqual([
    sales,
    {
      ban: "x",
      device: "device-1",
      granted: "2026-07-12T00:00:00Z",
      until: "2026-07-19T00:00:00Z",
      by: "server",
    },
  ]);
  expect(conflicts).toEqual([]);
});

test("where there would be more bans than the bound, a whole group is left out", () => {
  const [ban] = merged({ base }).policy.bans;
  if (ban === undefined) throw new Error("no ban");
  const having = (length: number): Merged =>
    mergeWith({ ...policyOf(base), bans: Array.from({ length }, (_, i) => ({ ...ban, id: `x${i}` })) });
  const { policy, conflicts } = having(policyBounds.bans);
  expect(policy.bans).toHaveLength(policyBounds.bans);
  expect(conflicts.map(conflictText)).toEqual([
    "the policy of the group finance is left out: with it there would be more than 100000 bans",
  ]);
  const just = having(policyBounds.bans - 1);
  expect([just.policy.bans.length, just.conflicts]).toEqual([policyBounds.bans, []]);
});

test("the base alone stays what it is", () => {
  const alone = policyOf(base);
  expect(merge({ base: alone, catalog: catalogOf(), groups: new Map(), grants: [] }, whom).policy).toBe(alone);
});

test("groups stand in the order of their names, however they came", () => {
  for (const names of [
    ["a", "b", "c"],
    ["c", "b", "a"],
    ["b", "c", "a"],
  ])
    expect(inOrder(new Map(names.map((name) => [name, name]))).map(([, group]) => group)).toEqual(["a", "b", "c"]);
});

test("what a newer policy says and this program does not understand is named with the group, and the base's stays", () => {
  const newer = parseGroupPolicy(
    bytesOf({
      formatVersion: 2,
      name: "f",
      bans: [own(), own({ id: "finance/new", weekdays: [1] })],
      tools: [{ id: "finance/t" }],
    }),
    "finance",
    { newer: "tolerate" },
  );
  const theirs = {
    disabled: [{ ban: "new", path: "bans[1]", why: "unknown" }],
    ignored: [{ path: "limits", why: "unknown" }],
  };
  const { policy } = mergeWith({ ...policyOf(base), ...theirs }, newer);
  expect(policy.bans.map(({ id }) => id)).toEqual(["x", "finance/x"]);
  expect(policy.disabled).toMatchObject([
    ...theirs.disabled,
    { ban: "finance/new", path: "groups/finance/policy.json: bans[1]", why: expect.any(String) },
  ]);
  expect(policy.ignored).toMatchObject([
    ...theirs.ignored,
    { path: "groups/finance/policy.json: tools[0]", why: expect.any(String) },
  ]);
});

function mergeWith(policy: Policy, group = parseGroupPolicy(bytesOf({ name: "f", bans: [own()] }), "finance")): Merged {
  return merge({ base: policy, catalog: catalogOf(), groups: new Map([["finance", group]]), grants: [] }, whom);
}
