import { expect, test } from "vitest";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import type { Pieces } from "#lib/pure/pieces.ts";
import { compile, compileInPieces } from "#policy/compile.ts";
import { decide, provenTools } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema, seenSchema } from "#policy/evidence.ts";
import { lintInPieces } from "#policy/lint.ts";
import { banText, catalogOf, policyOf, refusalOf, stage, toolText } from "./text.ts";

const found = evidenceSchema.parse({
  id: "e",
  kind: "exec",
  seen: { package: { value: [{ ecosystem: "npm", id: "x" }] } },
});
const late = parseInstant("2027-01-01T00:00:00Z");

test("a notice has the ban's own commands first, and the catalog's for that replacement", () => {
  const catalog = catalogOf(
    {
      ...toolText("x"),
      name: "Tool X",
      equivalents: [
        { tool: "y", from: "x", to: "other" },
        { tool: "y", from: "x -p", to: "y -p" },
        { tool: "z", from: "x q", to: "z q" },
      ],
    },
    { ...toolText("y"), name: "Tool Y", homepage: "https://y.example" },
  );
  const ban = banText({
    replacement: { tool: "y", equivalents: [{ from: "x", to: "y" }] },
    warn: { for: "PT1H" },
    exceptions: "never",
    message: { en: "No." },
  });
  const m = compile(policyOf({ bans: [ban], limits: { notifyPerDay: 7 } }), catalog);
  expect(decide(m, found, late, deviceOf(deviceSchema.parse({}))).notice).toEqual({
    tool: "Tool X",
    reason: "A test.",
    reference: undefined,
    owner: "a@example.com",
    message: { en: "No." },
    replacement: "Tool Y",
    url: "https://y.example",
    equivalents: [
      { from: "x", to: "y" },
      { from: "x -p", to: "y -p" },
    ],
    grace: 600_000,
    warnFor: 3_600_000,
    strict: false,
    exceptions: false,
    notifyPerDay: 7,
  });
});

test("globs past the bound are an error, not a full memory", () => {
  const braces = "{a,b}".repeat(8);
  const identities = Array.from({ length: 8000 }, (_, i) => ({ kind: "path", glob: `/opt/${i}/${braces}` }));
  const policy = policyOf({ bans: [banText()], tools: [toolText("x", ...identities)] });
  expect(refusalOf(() => compile(policy, catalogOf()))).toMatchObject({ code: "bounds" });
  const loose = policyOf({
    bans: [banText()],
    tools: [toolText("x", ...Array.from({ length: 1001 }, (_, i) => ({ kind: "path", glob: `**/*${i}*` })))],
  });
  expect(refusalOf(() => compile(loose, catalogOf())).message).toContain("the bound is 1000");
});

test("the matcher says what must be read, and when an answer can change", () => {
  const policy = policyOf({
    bans: [banText({ stages: [stage, { from: "2026-08-01T00:00:00Z", mode: "remove" }], exceptions: { max: "P1D" } })],
    allow: ["y"],
    exceptions: [{ ban: "x", person: "ann", granted: "2026-09-01T00:00:00Z", until: "2026-10-01T00:00:00Z" }],
    tools: [
      toolText(
        "x",
        { kind: "marker", bytes: "marker-of-x", absent: ["not this"] },
        { kind: "hash", sha256: "a".repeat(64), size: 7 },
        { kind: "path", glob: "/x/**", grade: "proof" },
      ),
      toolText(
        "y",
        { kind: "marker", bytes: "not this one", absent: ["not this"] },
        { kind: "config", path: "~/.y", os: "linux" },
        { kind: "package", ecosystem: "pypi", id: "y" },
      ),
      toolText(
        "unused",
        { kind: "extension", host: "vscode", id: "a.b" },
        { kind: "hash", sha256: "b".repeat(64), size: 8 },
      ),
    ],
  });
  const m = compile(policy, catalogOf());
  expect([...m.wanted.sizes]).toEqual([7]);
  expect(m.wanted.needles.map((n) => n.bytes)).toEqual(["marker-of-x", "not this", "not this one"]);
  expect(m.wanted.configs).toEqual([{ path: "~/.y", os: "linux" }]);
  expect(m.wanted.pathProof).toBe(true);
  expect([...m.wanted.ecosystems]).toEqual(["pypi"]);
  expect(m.wanted.extensions).toBe(false);
  const extension = toolText("x", { kind: "extension", host: "vscode", id: "a.b" });
  expect(compile(policyOf({ bans: [banText()], tools: [extension] }), catalogOf()).wanted.extensions).toBe(true);
  const changes: string[] = [];
  for (let at = m.nextChange(instantOf(0)); at !== undefined; at = m.nextChange(at))
    changes.push(new Date(at).toISOString());
  expect(changes).toEqual(["2026-07-09T16:00:00.000Z", "2026-08-01T00:00:00.000Z", "2026-09-02T00:00:00.000Z"]);
});

test("an exception may last for less than a millisecond", () => {
  const exceptions = [{ ban: "x", person: "ann", granted: "2026-09-01T00:00:00Z", until: "2026-10-01T00:00:00Z" }];
  const m = compile(policyOf({ bans: [banText({ exceptions: { max: "PT0.0005S" } })], exceptions }), catalogOf());
  expect(m.nextChange(parseInstant("2026-08-01T00:00:00Z"))).toBe(parseInstant("2026-09-01T00:00:00Z"));
});

test("what was proven to be there says which tools are installed", () => {
  const m = compile(
    policyOf({
      bans: [banText({ replacement: { tool: "y" } })],
      tools: [
        toolText("x"),
        toolText("y", { kind: "package", ecosystem: "npm", id: "y" }, { kind: "name", name: "y" }),
      ],
    }),
    catalogOf(),
  );
  expect(
    provenTools(m, seenSchema.parse({ package: { value: [{ ecosystem: "npm", id: "y" }] } }), { os: "linux" }),
  ).toEqual(["y"]);
  expect(provenTools(m, seenSchema.parse({ name: { value: ["y"] } }), { os: "linux" })).toEqual([]);
});

/** How often whoever does this work may do something else meanwhile. */
function places(pieces: Pieces<unknown>): number {
  let count = 0;
  while (pieces.next().done !== true) count += 1;
  return count;
}

/** So many bans, each of a tool with a glob. */
function manyBans(count: number) {
  return policyOf({
    bans: Array.from({ length: count }, (_, i) => banText({ id: `b${i}`, tool: `t${i}` })),
    tools: Array.from({ length: count }, (_, i) => toolText(`t${i}`, { kind: "path", glob: `/opt/t${i}/*` })),
  });
}

test("the more there is to compile and to look over, the more pieces it comes in", () => {
  const [few, large] = [manyBans(10), manyBans(5_500)];
  // Bans, tools, identities, globs twice, and what is wanted: each list in one more piece.
  expect(places(compileInPieces(large, catalogOf())) - places(compileInPieces(few, catalogOf()))).toBeGreaterThan(5);
  const looked = (policy: typeof few): number => places(lintInPieces(compile(policy, catalogOf()), catalogOf()));
  expect(looked(large) - looked(few)).toBeGreaterThan(10);
});
