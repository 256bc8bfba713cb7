import { expect, test } from "vitest";
import type { AuditRow } from "#cli/audit-rows.ts";
import { auditLines, type AuditResult } from "#cli/audit-table.ts";
import { width } from "#lib/pure/text.ts";

const place = "/home/ann/a folder/that/is/deep/lib/node_modules/@anthropic-ai/claude-code";
const finding: AuditRow = {
  tool: "claude-code",
  name: "Claude Code",
  vendor: "Anthropic",
  version: "2.1.197",
  where: place,
  also: [`${place}/cli.js`],
  container: null,
  owner: "ann",
  grade: "proof",
  known: [{ kind: "package", grade: "proof", text: "the npm package @anthropic-ai/claude-code" }],
  packages: [],
  ban: {
    id: "claude-code",
    mode: "block",
    since: "2026-07-10T00:00:00Z",
    instead: "qodercli",
    insteadName: "Qoder CLI",
    url: "https://qoder.example/download",
  },
};
const hinted: AuditRow = {
  ...finding,
  where: "/home/ann/.claude",
  version: null,
  grade: "hint",
  known: [{ kind: "config", grade: "hint", text: "the configuration ~/.claude" }],
  ban: finding.ban && { ...finding.ban, mode: "observe" },
};

function resultOf(findings: readonly AuditRow[], policy: string | null = "high-risk"): AuditResult {
  const named = [{ path: "/home/bob", why: "not permitted" }];
  const never = ["what files contain, other than programs and the manifests of packages and extensions"];
  const missed = { containers: [], unreadable: { count: 1, named } };
  return { at: "2026-07-11T00:00:00Z", policy, findings, looked: 1234, ...missed, never };
}

test("in a narrow terminal nothing but a path is longer than a line, and a ban has a line of its own", () => {
  const lines = auditLines(resultOf([finding, hinted]), 60);
  expect(lines.filter((line) => width(line) > 60)).toEqual([`  ${place} (+1)`]);
  expect(lines[0]).toBe("TOOL         VERSION  KNOWN BY  INSTALLED BY");
  expect(lines[2]).toBe("  banned since 2026-07-10; use Qoder CLI instead");
  expect(lines).toContain("    manifests of packages and extensions");
});

test("where there is room, bans are columns, and no line is broken", () => {
  const lines = auditLines(resultOf([finding]));
  expect(lines[0]).toBe("TOOL         VERSION  KNOWN BY  INSTALLED BY  BANNED SINCE  INSTEAD");
  expect(lines).toContain("  · what files contain, other than programs and the manifests of packages and extensions");
  expect(auditLines(resultOf([finding]), 80)[0]).toBe(lines[0]);
});

test("a ban is said once, as it stands for what is proven, and so is how many findings it has", () => {
  const lines = auditLines(resultOf([finding, hinted]));
  expect(lines.filter((line) => line.startsWith("!"))).toEqual([
    "! Claude Code: banned since 2026-07-10T00:00:00Z (claude-code: block); use Qoder CLI instead, https://qoder.example/download",
  ]);
  expect(lines).toContain("1,234 things looked at; 1 finding proven, 1 by hints only (a hint stops nothing).");
  expect(lines).toContain('The policy "high-risk" bans 1 of 2 findings today, and only observes 1.');
  expect(lines.find((line) => line.includes("1 hint"))).toMatch(/ observed +Qoder CLI$/);
  const early = auditLines(resultOf([{ ...finding, ban: finding.ban && { ...finding.ban, mode: "observe" } }]));
  expect(early).toContain('The policy "high-risk" bans 0 of 1 finding today, and only observes 1.');
  expect(early).toContainEqual(expect.stringMatching(/^! Claude Code: only observed since 2026-07-10T00:00:00Z/));
  expect(auditLines(resultOf([]))).toContain('The policy "high-risk" bans 0 of 0 findings today.');
  expect(auditLines(resultOf([], null))).toContain("No policy was given: nothing was judged (--policy FILE).");
});
