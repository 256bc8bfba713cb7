import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { width } from "#lib/pure/text.ts";
import { compose, type Message } from "#notify/compose.ts";
import { toastSchema } from "#protocol/session.ts";
import type { Outcome } from "#policy/outcome.ts";
import { evidenceOf, notice, verdictOf } from "../verdicts.ts";

function outcomeOf(over: Partial<Outcome> = {}): Outcome {
  return {
    id: "0198f5b0-0000-7000-8000-000000000001",
    at: "2026-07-10T09:00:00Z",
    verdict: verdictOf(),
    evidence: evidenceOf(),
    did: "stopped",
    ...over,
  };
}
function say(outcome: Outcome, language = "en"): Message {
  const message = compose(outcome, language, "Asia/Shanghai");
  if (message === undefined) throw new Error("nothing was said");
  return message;
}

const bare = {
  ...notice,
  message: {},
  replacement: undefined,
  url: undefined,
  reference: undefined,
  owner: undefined,
  equivalents: [],
  exceptions: false,
};
const situations: Readonly<Record<string, Outcome>> = {
  stopped: outcomeOf(),
  denied: outcomeOf({ did: "denied" }),
  warned: outcomeOf({ verdict: verdictOf({ mode: "warn" }) }),
  grace: outcomeOf({ did: "grace", until: "2026-07-10T09:10:00Z", evidence: evidenceOf("process") }),
  advised: outcomeOf({ did: "told", verdict: verdictOf({ mode: "notify" }) }),
  "please-close": outcomeOf({ did: "told", error: "not root" }),
  installed: outcomeOf({ did: "told", evidence: evidenceOf("installed") }),
  quarantined: outcomeOf({ did: "quarantined", quarantine: "0198f5b1", evidence: evidenceOf("installed") }),
  unread: outcomeOf({ did: "denied", verdict: verdictOf({ ban: null, tool: null, grade: null, notice: null }) }),
  bare: outcomeOf({ verdict: verdictOf({ notice: bare, replacement: null }) }),
};

describe.each(["en", "zh-CN"])("in %s", (language) => {
  test.each(Object.keys(situations))("a person reads: %s", async (name) => {
    const outcome = situations[name];
    if (outcome === undefined) throw new Error(name);
    const { terminal, toast } = say(outcome, language);
    const buttons = toast.actions.map(({ key, label }) => `[${label}] = ${key}`).join("  ");
    const text = `${terminal}\n${toast.title}\n\n${toast.body}\n\n${buttons}\nopens ${toast.url ?? "nothing"}\n`;
    await expect(text).toMatchFileSnapshot(`../golden/notify/${name}.${language}.txt`);
  });
});

test.each(["recorded", "gone", "spared", "restored"] as const)("nobody is bothered with what was only %s", (did) => {
  expect(compose(outcomeOf({ did }), "en")).toBeUndefined();
});

test.each([
  [["claude"], undefined, "qodercli -w ."],
  [["/opt/x/claude", "-p", "hello"], undefined, "qodercli -q"],
  [["node", "/usr/local/bin/claude", "-p"], { path: "/usr/lib/node_modules/x/cli.js" }, "qodercli -q"],
  [["node", "--no-warnings", "/usr/local/bin/claude"], { path: "/usr/lib/node_modules/x/cli.js" }, "qodercli -w ."],
  [["vim", "claude", "-p"], undefined, "qodercli -w ."],
  [[], undefined, "qodercli -w ."],
] as const)("who typed %j is shown the equivalent of that", (argv, script, to) => {
  const { process } = evidenceOf();
  const evidence = evidenceOf("exec", {
    process: process && { ...process, argv: [...argv] },
    ...(script && { script }),
  });
  expect(say(outcomeOf({ evidence })).terminal).toContain(`\n                   ${to}\n`);
});

test.each([
  ["de", "Claude Code is not approved here since 10 July."],
  ["zh-Hant-TW", "自 7 月 10 日起，公司内禁止使用 Claude Code。"],
  ["ZH", "自 7 月 10 日起，公司内禁止使用 Claude Code。"],
  ["", "Claude Code is not approved here since 10 July."],
])("who speaks %j reads the administrator's nearest words", (language, words) => {
  expect(say(outcomeOf(), language).terminal).toContain(words);
});

test("an administrator's own language is kept though Edict does not speak it", () => {
  const verdict = verdictOf({ notice: { ...notice, message: { de: "Bitte Qoder nehmen." } } });
  expect(say(outcomeOf({ verdict }), "de-AT").terminal).toContain("Bitte Qoder nehmen.");
});

test("only https is opened", () => {
  for (const url of [
    "http://qoder.example",
    "javascript:alert(1)",
    "https://a b",
    "https://x\u001b[2J",
    "file:///etc/passwd",
  ])
    expect(
      say(outcomeOf({ verdict: verdictOf({ notice: { ...notice, url, reference: url } }) })).toast.url,
    ).toBeUndefined();
});

test("whatever a policy or a program says, no control character reaches a terminal, and no line is too wide", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 4096, size: "max" }),
    fc.string(),
    fc.constantFrom(
      "自".repeat(4000),
      "\u001b]0;title\u0007",
      "{tool}{replacement}",
      "a\u0301".repeat(2000),
      "𝒳".repeat(2000),
    ),
  );
  const notices = fc.record({
    tool: hostile,
    reason: hostile,
    reference: hostile,
    owner: hostile,
    message: fc.dictionary(fc.constantFrom("en", "zh-CN", "x"), hostile),
    replacement: hostile,
    url: hostile,
    equivalents: fc.array(fc.record({ from: hostile, to: hostile }), { maxLength: 3 }),
  });
  const scene = fc.record({
    over: notices,
    ban: hostile,
    argv: fc.array(hostile, { maxLength: 4 }),
    language: fc.constantFrom("en", "zh-CN"),
  });
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(situations)), scene, (outcome, { over, ban, argv, language }) => {
      const { process } = evidenceOf();
      const evidence = {
        ...outcome.evidence,
        ...(outcome.evidence.process && process && { process: { ...process, argv } }),
      };
      const verdict = { ...outcome.verdict, ban, notice: { ...notice, ...over } };
      const { terminal, toast } = say({ ...outcome, evidence, verdict }, language);
      expect(terminal.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      for (const line of terminal.split("\n")) expect(width(line)).toBeLessThanOrEqual(80);
      expect(Buffer.byteLength(terminal.replaceAll("\n", "\r\n"))).toBeLessThan(4096);
      expect(`${toast.title}${toast.body}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(toastSchema.parse(JSON.parse(JSON.stringify(toast)))).toEqual(toast);
    }),
    { numRuns: 60 },
  );
});
