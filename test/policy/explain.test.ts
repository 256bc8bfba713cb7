import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { explain } from "#policy/explain.ts";
import { banText, catalogOf, policyOf, toolText } from "./text.ts";

const at = parseInstant("2026-07-11T00:00:00Z");
const catalog = catalogOf(
  { ...toolText("x"), name: "Tool X" },
  { ...toolText("y"), name: "Tool Y", homepage: "https://y.example" },
);
const ban = banText({
  reference: "https://intranet.example/x",
  replacement: { tool: "y", equivalents: [{ from: "x", to: "y" }] },
});
const m = compile(policyOf({ bans: [ban] }), catalog);

function explained(evidence: unknown): string {
  const e = evidenceSchema.parse(evidence);
  return explain(m, decide(m, e, at, deviceOf(deviceSchema.parse({}))), e, at).join("\n");
}

test("a verdict explains what was seen, what matched, whose the ban is and the ways out", () => {
  expect(
    explained({
      id: "e",
      kind: "exec",
      file: { path: "/home/ann/x" },
      process: { pid: 7, start: 1, user: "ann", argv: ["x", "-p"] },
      seen: {
        package: { value: [{ ecosystem: "npm", id: "x", version: "1.0" }] },
        marker: { absent: true },
        hash: { unread: "no identity has this size" },
      },
    }),
  ).toMatchInlineSnapshot(`
    "A program that was started: /home/ann/x
      process 7 of ann: x -p
    What was read of it:
      package: npm x 1.0
      extension: not read (not given)
      signer: not read (not given)
      hash: not read (no identity has this size)
      marker: absent
      path: not read (not given)
      name: not read (not given)
      config: not read (not given)

    It is stopped (block) on 2026-07-11T00:00:00Z, because
      · Tool X: the npm package x (proof)
      · ban x: block since 2026-07-10T00:00:00+08:00

    The ban x of the policy "test": block from 2026-07-10T00:00:00+08:00.
      reason: A test.
      more about it: https://intranet.example/x
      owner: a@example.com

    Use Tool Y instead: https://y.example
      x → y
    To ask for an exception: edict request x --reason "…""
  `);
});

test("an innocent program's explanation says so", () => {
  expect(
    explained({ id: "e", kind: "file", file: { path: "/usr/bin/vim" }, seen: { name: { value: ["vim"] } } }),
  ).toContain("It may run (allow)");
});

test("nothing in an explanation steers a terminal", () => {
  const text = explained({
    id: "e",
    kind: "file",
    file: { path: "/tmp/\u001b[2J\u202Ea\nb" },
    seen: { name: { value: ["\u0007"] } },
  });
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(text).toContain("/tmp/\\u{1b}[2J\\u{202e}a\\u{a}b");
});
