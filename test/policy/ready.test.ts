import * as fc from "fast-check";
import { expect, test } from "vitest";
import { policyBounds } from "#policy/ban.ts";
import { conflictText } from "#policy/conflict.ts";
import { makeReady, readyInPieces, type SignedParts } from "#policy/ready.ts";
import { bytesOf, grantText, whom } from "./written.ts";
import { banText, refusalOf, toolText } from "./text.ts";

const base = { name: "base", bans: [banText()], tools: [toolText("x"), toolText("y")] };
const group = (name: string, keys: object = {}) => ({ name, bans: [banText({ id: `${name}/x` })], ...keys });

function signed(
  groups: Readonly<Record<string, unknown>> = {},
  more: { readonly policy?: unknown; readonly exceptions?: unknown } = {},
): SignedParts {
  return {
    policy: bytesOf(more.policy ?? base),
    catalog: bytesOf({ formatVersion: 1, tools: [] }),
    groups: new Map(Object.entries(groups).map(([name, text]) => [name, bytesOf(text)])),
    exceptions: more.exceptions === undefined ? undefined : bytesOf(more.exceptions),
  };
}

function ready(parts: SignedParts) {
  const { matcher, conflicts } = makeReady(parts, whom);
  return { bans: matcher.policy.bans.map(({ id }) => id), said: conflicts.map(conflictText), matcher };
}

test("all parts together are one policy", () => {
  const { bans, said, matcher } = ready(
    signed({ finance: group("finance") }, { exceptions: { formatVersion: 1, exceptions: [grantText()] } }),
  );
  expect(bans).toEqual(["x", "finance/x"]);
  expect(said).toEqual([]);
  expect(matcher.policy.exceptions).toMatchObject([{ ban: "x", device: whom.id, by: "server" }]);
});

const loose = Array.from({ length: 600 }, (_, i) => ({ kind: "path", glob: `**/*${i}*` }));
const looseGroup = (name: string) =>
  group(name, { bans: [banText({ id: `${name}/x`, tool: `${name}/t` })], tools: [toolText(`${name}/t`, ...loose)] });

test.each([
  ["is no JSON", signed({ finance: "{", sales: group("sales") }), "the policy of the group finance is left out: "],
  [
    "loosens",
    signed({ finance: group("finance", { allow: ["x"] }), sales: group("sales") }),
    "the policy of the group finance is left out: allow",
  ],
  [
    "is longer than it may be",
    signed({ finance: " ".repeat(policyBounds.group + 1), sales: group("sales") }),
    "the policy of the group finance is left out: the document (line 1): the text has 8388609 bytes, the bound is 8388608",
  ],
  [
    "has more globs than there is room for with another's",
    signed({ zeta: looseGroup("zeta"), alpha: looseGroup("alpha"), sales: group("sales") }),
    "the policy of the group zeta is left out: tools: 1200 path globs",
  ],
])("a group's policy that %s is left out and named, and nothing else is", (_, parts, says) => {
  const { bans, said } = ready(parts);
  expect(bans).toContain("x");
  expect(bans).toContain("sales/x");
  expect(bans).not.toContain("finance/x");
  expect(bans).not.toContain("zeta/x");
  expect(said).toEqual([expect.stringContaining(says)]);
});

test("all groups' policies together are no longer than one policy may be", () => {
  const names = Array.from({ length: 9 }, (_, i) => `g${i}`);
  const long = (name: string): string => JSON.stringify(group(name)).padEnd(policyBounds.group);
  const { bans, said } = ready(
    signed({ ...Object.fromEntries(names.map((name) => [name, long(name)])), h: group("h") }),
  );
  expect(bans).toEqual(["x", ...names.slice(0, 7).map((name) => `${name}/x`), "h/x"]);
  expect(said).toEqual(
    ["g7", "g8"].map(
      (name) => `the policy of the group ${name} is left out: with it there would be more than 67108864 bytes`,
    ),
  );
});

test("exceptions that cannot be read are left out and named, and everything is banned", () => {
  const { bans, said, matcher } = ready(signed({}, { exceptions: { formatVersion: 1, exceptions: [{}] } }));
  expect(bans).toEqual(["x"]);
  expect(matcher.policy.exceptions).toEqual([]);
  expect(said).toEqual([expect.stringContaining("the server's list of exceptions is left out: exceptions[0].ban")]);
});

test("what is not understood of newer exceptions is said", () => {
  const { matcher } = ready(
    signed({}, { exceptions: { formatVersion: 2, exceptions: [grantText({ moon: "full" })] } }),
  );
  expect(matcher.policy.ignored).toMatchObject([{ path: "the server's exceptions: exceptions[0]" }]);
});

test("a base policy that cannot be used is no policy, whatever the groups say", () => {
  expect(refusalOf(() => ready(signed({ finance: group("finance") }, { policy: "{" })))).toMatchObject({
    code: "syntax",
  });
  const crowded = { ...base, tools: [toolText("x", ...loose, ...loose)] };
  expect(refusalOf(() => ready(signed({ finance: group("finance") }, { policy: crowded })))).toMatchObject({
    code: "bounds",
  });
});

test("whatever a group or the server signs, the base is in force", () => {
  const keys = fc.constantFrom(
    "name",
    "bans",
    "tools",
    "exceptions",
    "formatVersion",
    "id",
    "ban",
    "device",
    "allow",
    "groups",
  );
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("x", "finance/x", 1, 2, null, whom.hash, "2026-07-12T00:00:00Z"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    json.map((value) => bytesOf(JSON.stringify(value))),
    fc.tuple(fc.nat(300), fc.nat(255)).map(([at, byte]) => {
      const bytes = Buffer.from(JSON.stringify(group("finance", { tools: [toolText("finance/t")] })));
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(text, fc.option(text, { nil: undefined }), (finance, exceptions) => {
      const { matcher } = makeReady({ ...signed(), groups: new Map([["finance", finance]]), exceptions }, whom);
      expect(matcher.policy.bans[0]?.id).toBe("x");
      expect(
        matcher.policy.bans.slice(1).every(({ group: whose, id }) => whose === "finance" && id.startsWith("finance/")),
      ).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

function places(groups: Readonly<Record<string, unknown>>): number {
  return [...readyInPieces(signed(groups), whom)].length;
}

test("each group's policy is read, and merged, in a piece of its own", () => {
  const [none, two, three] = [{}, { a: group("a"), b: group("b") }, { a: group("a"), b: group("b"), c: group("c") }];
  expect(places(two)).toBeGreaterThan(places(none) + 3);
  expect(places(three)).toBe(places(two) + 2);
});

test("a catalog from the future is used as far as it is understood, and what is left out is named", () => {
  const newer = {
    formatVersion: 2,
    since: "2027",
    tools: [toolText("z", { kind: "aura" }, { kind: "name", name: "z" })],
  };
  const bans = [banText(), banText({ id: "z", tool: "z" })];
  const { matcher, said } = ready({ ...signed({}, { policy: { ...base, bans } }), catalog: bytesOf(newer) });
  expect(matcher.tool("z")?.identities).toEqual([{ kind: "name", name: "z" }]);
  expect(matcher.policy.ignored.map(({ path }) => path)).toEqual([
    "the catalog: tools[0]",
    "the catalog: tools[0].identities[0]",
  ]);
  expect(said).toEqual([]);
});

test("a catalog that cannot be used holds up what it came with, newer or not", () => {
  for (const catalog of [
    { formatVersion: 2, tools: "none" },
    { formatVersion: 1, tools: [], since: "2027" },
  ])
    expect(refusalOf(() => ready({ ...signed(), catalog: bytesOf(catalog) }))).toMatchObject({ code: "shape" });
});
