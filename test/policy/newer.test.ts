import { expect, test } from "vitest";
import { parseCatalog } from "#policy/parse.ts";
import { banText, policyOf, refusalOf, stage, toolText } from "./text.ts";

test("a policy from the future is refused by an author's tools, with the version", () => {
  const error = refusalOf(() => policyOf({ formatVersion: 2, bans: [banText()] }));
  expect(error).toMatchObject({ code: "version", path: "formatVersion" });
  expect(error.message).toContain("found 2");
});

test("a policy of this version is read as strictly by a device", () => {
  expect(refusalOf(() => policyOf({ bans: [banText({ scop: 1 })] }, "tolerate"))).toMatchObject({
    path: "bans[0].scop",
  });
});

test("a device goes on with what it understands of a policy from the future", () => {
  const policy = policyOf(
    {
      formatVersion: 2,
      signedBy: ["someone"],
      bans: [
        banText({ id: "known" }),
        banText({ id: "new-key", scope: { groups: ["a"], weekdays: [1] } }),
        banText({ id: "new-value", stages: [{ ...stage, mode: "vanish" }] }),
      ],
      tools: [toolText("t", { kind: "package", ecosystem: "npm", id: "t" }, { kind: "aura", colour: "green" })],
      exceptions: [
        { ban: "known", person: "ann", until: stage.from },
        { ban: "known", person: "bob", until: stage.from, onlyAtNight: true },
      ],
      limits: { notifyPerDay: 5, perHour: 1 },
    },
    "tolerate",
  );
  expect(policy.bans.map((ban) => ban.id)).toEqual(["known"]);
  expect(policy.disabled.map(({ ban, path }) => [ban, path])).toEqual([
    ["new-key", "bans[1]"],
    ["new-value", "bans[2]"],
  ]);
  expect(policy.disabled[0]?.why).toContain("weekdays");
  expect(policy.tools[0]?.identities).toHaveLength(1);
  expect(policy.exceptions.map((e) => e.person)).toEqual(["ann"]);
  expect(policy.limits.notifyPerDay).toBe(5);
  expect(policy.ignored.map(({ path }) => path)).toEqual([
    "tools[0]",
    "tools[0].identities[1]",
    "exceptions[1]",
    "limits",
  ]);
});

test("a catalog from the future loses only the identities that are not understood", () => {
  const bytes = Buffer.from(
    JSON.stringify({ formatVersion: 3, tools: [toolText("t", { kind: "aura" }, { kind: "name", name: "t" })] }),
  );
  expect(parseCatalog(bytes, { newer: "tolerate" }).tools[0]?.identities).toEqual([{ kind: "name", name: "t" }]);
  expect(refusalOf(() => parseCatalog(bytes))).toMatchObject({ code: "version" });
});
