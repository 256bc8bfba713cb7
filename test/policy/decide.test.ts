import * as fc from "fast-check";
import { expect, test } from "vitest";
import { matchGlob } from "#lib/pure/glob.ts";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema, type Evidence } from "#policy/evidence.ts";
import { percentile } from "#policy/rules.ts";
import { gradeOf, isIntrinsic, type Identity, type Tool } from "#policy/tool.ts";
import { modes, type Mode } from "#policy/verdict.ts";
import { ids, identity, seen } from "./arbitrary.ts";
import { banText, catalogOf, policyOf, toolText } from "./text.ts";

const tools = fc.tuple(
  ...ids.map((id) => fc.array(identity, { maxLength: 3 }).map((own) => ({ id, name: id, identities: own }))),
);
const bans = fc.array(
  fc.record({
    tool: fc.constantFrom(...ids),
    mode: fc.constantFrom("observe", "notify", "warn", "block", "remove"),
    from: fc.integer({ min: 0, max: 4 }),
  }),
  { maxLength: 4 },
);
/** POLICY.md's order of decision in a few lines: every identity of every tool is tried against everything that was seen. */
function naive(
  e: Evidence,
  all: readonly Tool[],
  banned: readonly { id: string; tool: string; mode: Mode; from: number }[],
  allow: readonly string[],
  at: number,
): [Mode, string | null] {
  const has = (i: Identity): boolean => {
    if (i.kind === "package") return "value" in e.seen.package && e.seen.package.value.some((p) => p.id === i.id);
    if (i.kind === "marker") return "value" in e.seen.marker && e.seen.marker.value.some((n) => n.bytes === i.bytes);
    if (i.kind === "name") return "value" in e.seen.name && e.seen.name.value.includes(i.name);
    return i.kind === "path" && "value" in e.seen.path && e.seen.path.value.some((p) => matchGlob(i.glob, p));
  };
  const claims = all.flatMap((tool) =>
    tool.identities.filter(has).map((i) => ({ tool: tool.id, i, proves: gradeOf(i) === "proof" })),
  );
  const approved = claims.filter((c) => c.proves && allow.includes(c.tool));
  const free = approved.some((c) => isIntrinsic(c.i.kind)) ? 2 : Math.min(approved.length, 1);
  const left = claims.filter((c) => free === 0 || (free === 1 && c.proves && isIntrinsic(c.i.kind)));
  const results = banned.flatMap((ban) => {
    const own = left.filter((c) => c.tool === ban.tool);
    if (own.length === 0 || ban.from > at) return [];
    const cap = own.some((c) => c.proves)
      ? "remove"
      : new Set(own.map((c) => c.i.kind)).size > 1
        ? "notify"
        : "observe";
    return [{ ...ban, rank: Math.min(modes.indexOf(ban.mode), modes.indexOf(cap)) }];
  });
  const [worst] = results.toSorted((x, y) => y.rank - x.rank || x.from - y.from || (x.id < y.id ? -1 : 1));
  return worst === undefined ? ["allow", null] : [modes[worst.rank] ?? "allow", worst.id];
}

const day = (n: number): string => `2026-07-0${n + 1}T00:00:00Z`;

test("the compiled policy decides as the plain reading of the rules does", () => {
  fc.assert(
    fc.property(tools, bans, fc.subarray(ids), seen, fc.integer({ min: 0, max: 4 }), (all, list, allow, saw, at) => {
      const banned = list.map((ban, i) => ({ ...ban, id: `ban-${i}` }));
      const policy = policyOf({
        allowEmpty: true,
        allow,
        tools: all,
        bans: banned.map(({ id, tool, mode, from }) => banText({ id, tool, stages: [{ from: day(from), mode }] })),
      });
      const e = evidenceSchema.parse({ id: "e", kind: "exec", seen: saw });
      const verdict = decide(compile(policy, catalogOf()), e, parseInstant(day(at)), deviceOf(deviceSchema.parse({})));
      const known = banned.flatMap((ban) =>
        modes.filter((mode) => mode === ban.mode).map((mode) => ({ ...ban, mode })),
      );
      expect([verdict.mode, verdict.ban]).toEqual(naive(e, policy.tools, known, allow, at));
    }),
    { numRuns: 3000 },
  );
});

const word = fc.oneof(
  fc.string(),
  fc.constantFrom("chatter", "__proto__", "/home/a/x", "/", "C:\\Users\\a", "constructor"),
);
const anySeen = fc.record(
  {
    package: fc
      .array(fc.record({ ecosystem: word.filter((w) => w !== ""), id: word.filter((w) => w !== "") }), { minLength: 1 })
      .map((value) => ({ value })),
    signer: fc
      .array(fc.record({ teamId: word, product: word }, { requiredKeys: [] }), { minLength: 1 })
      .map((value) => ({ value })),
    path: fc.array(word, { minLength: 1 }).map((value) => ({ value })),
    name: fc.array(word, { minLength: 1 }).map((value) => ({ value })),
    config: fc.array(word, { minLength: 1 }).map((value) => ({ value })),
    hash: fc.array(word, { minLength: 1 }).map((value) => ({ value })),
  },
  { requiredKeys: [] },
);

const full = policyOf({
  bans: [
    banText({ id: "chatter", tool: "chatter", scope: { percent: 50 }, replacement: { tool: "x", ready: "required" } }),
  ],
  tools: [
    toolText(
      "chatter",
      { kind: "name", name: "chatter" },
      { kind: "path", glob: "~/x" },
      { kind: "path", glob: "C:/**" },
      { kind: "config", path: "~/.x" },
      { kind: "signer", subject: "s" },
    ),
  ],
});

test("there is a verdict for every evidence, the same each time, and nothing given is changed", () => {
  const m = compile(full, catalogOf());
  fc.assert(
    fc.property(
      anySeen,
      fc.option(anySeen, { nil: undefined }),
      fc.constantFrom("linux", "macos", "windows"),
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      (a, b, os, at) => {
        const e = evidenceSchema.parse({
          id: "e",
          kind: "exec",
          seen: a,
          ...(b !== undefined && { interpreter: b, script: { path: "s" } }),
        });
        const d = deviceOf(deviceSchema.parse({ os }));
        const before = JSON.stringify([e, full]);
        const first = decide(m, e, instantOf(at), d);
        expect(decide(m, e, instantOf(at), d)).toEqual(first);
        expect(JSON.stringify([e, full])).toBe(before);
      },
    ),
    { numRuns: 1000 },
  );
});

const simple = compile(policyOf({ bans: [banText()], tools: [toolText("x")] }), catalogOf());
const found = evidenceSchema.parse({
  id: "e",
  kind: "exec",
  seen: { package: { value: [{ ecosystem: "npm", id: "x" }] } },
});
const late = parseInstant("2027-01-01T00:00:00Z");

test("what is shared between verdicts is frozen", () => {
  const verdict = decide(simple, found, late, deviceOf(deviceSchema.parse({})));
  expect(verdict.mode).toBe("block");
  expect(Object.isFrozen(simple)).toBe(true);
  expect(Object.isFrozen(verdict.notice)).toBe(true);
  expect(Object.isFrozen(verdict.notice?.equivalents)).toBe(true);
  expect(Object.isFrozen(verdict.because[0])).toBe(true);
  expect(decide(simple, found, late, deviceOf(deviceSchema.parse({}))).notice).toBe(verdict.notice);
});

test("a percentage takes that part of all devices, others for another ban, and keeps who was in when it grows", () => {
  const devices = Array.from({ length: 5000 }, (_, i) => `device-${i}`);
  const hit = (ban: string, percent: number): Set<string> =>
    new Set(devices.filter((d) => percentile(ban, d) < percent));
  const [quarter, half, other] = [hit("a", 25), hit("a", 50), hit("b", 25)];
  expect(quarter.size / devices.length).toBeCloseTo(0.25, 1);
  expect(quarter.isSubsetOf(half)).toBe(true);
  expect(quarter.intersection(other).size / quarter.size).toBeCloseTo(0.25, 1);
  const policy = policyOf({ bans: [banText({ scope: { percent: 25 } })], tools: [toolText("x")] });
  const m = compile(policy, catalogOf());
  for (const id of devices.slice(0, 100))
    expect(decide(m, found, late, deviceOf(deviceSchema.parse({ id }))).mode).toBe(
      percentile("x", id) < 25 ? "block" : "allow",
    );
});

const until = (n: number): string => `2027-02-0${n}T00:00:00Z`;

test("of several exceptions the one that lasts longest is named", () => {
  const exceptions = [
    { ban: "x", person: "ann", until: until(1) },
    { ban: "x", group: "g", until: until(3) },
    { ban: "x", device: "d", until: until(2) },
  ];
  const m = compile(policyOf({ bans: [banText()], exceptions, tools: [toolText("x")] }), catalogOf());
  const d = deviceOf(deviceSchema.parse({ id: "d", person: "ann", groups: ["h", "g"] }));
  expect(decide(m, found, late, d)).toMatchObject({ mode: "allow", ban: "x", exception: { until: until(3) } });
});

test("of many bans a verdict names a few: it has to fit into a line", () => {
  const many = Array.from({ length: 1000 }, (_, i) => banText({ id: `x${i}` }));
  const m = compile(policyOf({ bans: many, tools: [toolText("x")] }), catalogOf());
  const verdict = decide(m, found, late, deviceOf(deviceSchema.parse({})));
  expect(verdict.because.at(-1)).toEqual({
    rule: "strictest",
    text: expect.stringMatching(/^it goes before x1 \(block\), .* and 991 more$/) as string,
  });
  expect(JSON.stringify(verdict).length).toBeLessThan(1500);
});
