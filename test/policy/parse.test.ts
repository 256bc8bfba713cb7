import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseDevice } from "#policy/device.ts";
import { parseCatalog, parsePolicy, parseTool, PolicyError } from "#policy/parse.ts";
import { banText, catalogOf, policyOf, refusalOf, stage, toolText } from "./text.ts";

const text = `{
  "name": "n",
  "bans": [
    {
      "id": "x",
      "tool": "x",
      "stages": [
        { "from": "2026-07-10", "mode": "block" }
      ]
    }
  ]
}`;

test("an error says JSON path, line, what was expected and what was found", () => {
  const error = refusalOf(() => parsePolicy(Buffer.from(text)));
  expect(error).toMatchObject({ code: "shape", path: "bans[0].stages[0].from", line: 8 });
  expect(error.message).toBe(
    'bans[0].stages[0].from (line 8): expected an instant with its offset such as 2026-07-10T00:00:00+08:00, found "2026-07-10"',
  );
});

const one = (keys: Readonly<Record<string, unknown>>): Record<string, unknown> => ({ bans: [banText({ ...keys })] });
test.each([
  ["an unknown key", one({ scop: {} }), "bans[0].scop", "only known keys", 'the key "scop"'],
  ["an unknown key at the top", { ban: [] }, "ban", "only known keys", 'the key "ban"'],
  ["an unknown mode", one({ stages: [{ ...stage, mode: "deny" }] }), "bans[0].stages[0].mode", '"observe"', '"deny"'],
  [
    "a stage that allows",
    one({ stages: [{ ...stage, mode: "allow" }] }),
    "bans[0].stages[0].mode",
    '"block"',
    '"allow"',
  ],
  [
    "an instant without offset",
    one({ stages: [{ ...stage, from: "2026-07-10T00:00:00" }] }),
    "bans[0].stages[0].from",
    "offset",
    "2026",
  ],
  ["no stage", one({ stages: [] }), "bans[0].stages", "at least 1", "an empty list"],
  ["no tool", one({ tool: undefined }), "bans[0].tool", "a text", "nothing"],
  ["an id with spaces", one({ id: "Claude Code" }), "bans[0].id", "an id of small letters", "Claude Code"],
  ["a link that is not https", one({ reference: "http://x.example" }), "bans[0].reference", "https://", "http:"],
  [
    "a link that runs something",
    one({ reference: "javascript:alert(1)" }),
    "bans[0].reference",
    "https://",
    "javascript",
  ],
  [
    "a link with a user in it",
    one({ reference: "https://bank.example@evil.example/" }),
    "bans[0].reference",
    "https://",
    "evil",
  ],
  ["a month as a grace", one({ running: { grace: "P1M" } }), "bans[0].running.grace", "a duration", "P1M"],
  ["a percentage over 100", one({ scope: { percent: 101 } }), "bans[0].scope.percent", "at most 100", "101"],
  ["exceptions of another form", one({ exceptions: "always" }), "bans[0].exceptions", '"never"', '"always"'],
  ["an exception rule without max", one({ exceptions: {} }), "bans[0].exceptions.max", "a text", "nothing"],
  [
    "a language that is none",
    one({ message: { "not a tag": "x" } }),
    'bans[0].message["not a tag"]',
    "a language tag",
    "not a tag",
  ],
  ["escapes for a terminal", one({ reason: "\u001B[2J" }), "bans[0].reason", "without control characters", "u001b"],
  [
    "words that turn the writing round",
    one({ reason: "a\u202Eb" }),
    "bans[0].reason",
    "without control characters",
    "a",
  ],
  ["a list in place of an object", one({ scope: [] }), "bans[0].scope", "an object", "an empty list"],
  [
    "an exception for nobody",
    { allowEmpty: true, exceptions: [{ ban: "x", until: stage.from }] },
    "exceptions[0]",
    "exactly one of person, device and group",
    "an object",
  ],
  [
    "a name that proves",
    { ...one({}), tools: [toolText("x", { kind: "name", name: "x", grade: "proof" })] },
    "tools[0].identities[0].grade",
    '"hint"',
    '"proof"',
  ],
  [
    "a config that proves",
    { ...one({}), tools: [toolText("x", { kind: "config", path: "~/.x", grade: "proof" })] },
    "tools[0].identities[0].grade",
    '"hint"',
    '"proof"',
  ],
  [
    "a publisher alone that proves",
    { ...one({}), tools: [toolText("x", { kind: "signer", teamId: "T", grade: "proof" })] },
    "tools[0].identities[0].grade",
    "hint",
    '"proof"',
  ],
  [
    "a kind nobody knows",
    { ...one({}), tools: [toolText("x", { kind: "regex", pattern: ".*" })] },
    "tools[0].identities[0].kind",
    '"package"',
    '"regex"',
  ],
  [
    "an ecosystem nobody knows",
    { ...one({}), tools: [toolText("x", { kind: "package", ecosystem: "nmp", id: "x" })] },
    "tools[0].identities[0].ecosystem",
    '"npm"',
    '"nmp"',
  ],
  [
    "a marker of three letters",
    { ...one({}), tools: [toolText("x", { kind: "marker", bytes: "abc" })] },
    "tools[0].identities[0].bytes",
    "at least 8",
    '"abc"',
  ],
  [
    "a section without its name",
    { ...one({}), tools: [toolText("x", { kind: "marker", bytes: "abcdefgh", where: "elf-section" })] },
    "tools[0].identities[0].section",
    "a section",
    "nothing",
  ],
  [
    "a glob with backslashes",
    { ...one({}), tools: [toolText("x", { kind: "path", glob: "C:\\x" })] },
    "tools[0].identities[0].glob",
    "writes / between",
    "C:",
  ],
  [
    "a glob that explodes",
    { ...one({}), tools: [toolText("x", { kind: "path", glob: `/${"{a,b}".repeat(20)}` })] },
    "tools[0].identities[0].glob",
    "256",
    "{a,b}",
  ],
  [
    "a glob that begins nowhere",
    { ...one({}), tools: [toolText("x", { kind: "path", glob: "bin/x" })] },
    "tools[0].identities[0].glob",
    "begins",
    "bin/x",
  ],
  [
    "an upper-case hash",
    { ...one({}), tools: [toolText("x", { kind: "hash", sha256: "A".repeat(64), size: 1 })] },
    "tools[0].identities[0].sha256",
    "64 small",
    "AAA",
  ],
])("%s is refused with its place", (_what, keys, path, expected, found) => {
  const error = refusalOf(() => policyOf({ ...keys }));
  expect(error.path).toBe(path);
  expect(error.message).toContain(expected);
  expect(error.message).toContain(found);
});

test("every problem is told, not only the first", () => {
  const error = refusalOf(() => policyOf({ bans: [banText({ id: "A", tool: "B" }), banText({ stages: 3 })] }));
  expect(error.problems).toHaveLength(3);
  expect(error.problems.join("\n")).toContain("bans[1].stages");
});

test("what is wrong far down in a long list is named as it is in a short one", () => {
  const bans = Array.from({ length: 1_203 }, (_, i) => banText({ id: `b${i}` }));
  const tools = Array.from({ length: 1_203 }, (_, i) => toolText(`t${i}`));
  expect(policyOf({ bans, tools })).toMatchObject({ bans: { length: 1_203 }, tools: { length: 1_203 } });
  expect(policyOf({ bans, tools }).bans.map(({ id }) => id)).toEqual(bans.map(({ id }) => id));
  const wrong = refusalOf(() => policyOf({ bans: bans.with(1_100, banText({ stages: 3 })), tools, allow: 1 }));
  expect(wrong.problems.map((line) => line.replace(/ .*/, ""))).toEqual(["bans[1100].stages", "allow"]);
  expect(refusalOf(() => policyOf({ bans, tools: tools.with(700, toolText("T")) })).path).toBe("tools[700].id");
  expect(refusalOf(() => catalogOf(...tools.with(1_202, toolText("T")))).path).toBe("tools[1202].id");
});

test.each([
  [{ bans: {} }, "bans"],
  [{ bans: null }, "bans"],
  [{ bans: [banText()], tools: {} }, "tools"],
  [{ bans: [banText()], tools: "" }, "tools"],
])("%j is no policy: its lists are lists", (keys, path) => {
  expect(refusalOf(() => policyOf(keys))).toMatchObject({ code: "shape", path });
});

test.each([
  ["a comment", '{\n  // ten July\n  "name": "n"\n}', "comment", 2],
  ["a duplicate key", '{ "name": "n",\n "bans": [],\n "bans": [] }', "duplicate-key", 3],
  ["a text that is no JSON", "name: n", "syntax", 1],
  ["a policy of Windows' notepad", "\uFEFF{}", "encoding", 1],
  ["nothing but depth", "[".repeat(20), "bounds", 1],
  ["a string of 5,000 bytes", JSON.stringify({ name: "x".repeat(5000) }), "bounds", 1],
])("%s is refused with its line", (_what, its, code, line) => {
  expect(refusalOf(() => parsePolicy(Buffer.from(its)))).toMatchObject({ code, line });
});

test("bounds are errors that name them", () => {
  expect(refusalOf(() => parsePolicy(Buffer.alloc(64 * 2 ** 20 + 1, 0x20))).message).toContain("67108864");
  const bans = Array.from({ length: 100_001 }, () => 0);
  expect(refusalOf(() => policyOf({ bans }))).toMatchObject({ code: "bounds", path: "bans" });
  const tools = Array.from({ length: 101 }, () => ({ identities: Array.from({ length: 10_000 }, () => 0) }));
  expect(refusalOf(() => catalogOf(...tools)).message).toContain("1010000 identities, the bound is 1000000");
});

test("an empty policy must say that it is", () => {
  expect(refusalOf(() => policyOf({}))).toMatchObject({ code: "empty", path: "bans" });
  expect(policyOf({ allowEmpty: true }).bans).toEqual([]);
});

test("an id stands once", () => {
  const bans = [banText(), banText({ id: "y" }), banText()];
  expect(refusalOf(() => policyOf({ bans }))).toMatchObject({ code: "duplicate-id", path: "bans[2].id" });
  expect(refusalOf(() => catalogOf(toolText("a"), toolText("a")))).toMatchObject({
    code: "duplicate-id",
    path: "tools[1].id",
  });
});

test("a catalog's path proves nothing, a policy's own may", () => {
  const tool = toolText("x", { kind: "path", glob: "/opt/x/**", grade: "proof" });
  expect(refusalOf(() => catalogOf(tool))).toMatchObject({ path: "tools[0].identities[0].grade" });
  expect(refusalOf(() => parseTool(Buffer.from(JSON.stringify(tool))))).toMatchObject({ path: "identities[0].grade" });
  expect(policyOf({ ...one({}), tools: [tool] }).tools[0]?.identities[0]?.grade).toBe("proof");
});

test("names that live on every object are no way in", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    const bytes = Buffer.from(`{"name":"n","bans":[],"allowEmpty":true,"${key}":{"allowEmpty":true}}`);
    expect(refusalOf(() => parsePolicy(bytes)).path).toBe(key);
  }
});

test("whatever the bytes are, nothing but a PolicyError is thrown", () => {
  const parsers = [parsePolicy, parseCatalog, parseTool, parseDevice];
  const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)));
  const near = fc.record({
    name: fc.jsonValue(),
    bans: fc.array(fc.jsonValue()),
    tools: fc.jsonValue(),
    formatVersion: fc.constantFrom(1, 2),
  });
  const bytes = fc.oneof(
    fc.uint8Array(),
    json,
    near.map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(
      bytes,
      fc.constantFrom(...parsers),
      fc.constantFrom("refuse" as const, "tolerate" as const),
      (input, parse, newer) => {
        let thrown: unknown;
        try {
          parse(input, { newer });
        } catch (error) {
          thrown = error;
        }
        expect(thrown === undefined || thrown instanceof PolicyError).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
