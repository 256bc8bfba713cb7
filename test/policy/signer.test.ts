import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema, type SignerSeen } from "#policy/evidence.ts";
import { banText, catalogOf, policyOf, toolText } from "./text.ts";

const marker = { bytes: "com.example.banned-tool", encoding: "utf8", where: "anywhere" };
const policy = policyOf({
  allow: ["approved"],
  bans: [banText({ id: "banned", tool: "banned" })],
  tools: [
    toolText("approved", { kind: "signer", subject: "Approved, Inc.", product: "Approved" }),
    toolText(
      "banned",
      { kind: "marker", ...marker },
      { kind: "signer", teamId: "BANNED1234", signingId: "com.example.banned", os: ["macos"] },
      { kind: "signer", subject: "Banned, Inc." },
    ),
  ],
});
const matcher = compile(policy, catalogOf());

function mode(signer: SignerSeen, marked: boolean): string {
  const seen = { signer: { value: [signer] }, ...(marked && { marker: { value: [marker] } }) };
  const evidence = evidenceSchema.parse({ id: "e", kind: "installed", seen });
  const device = deviceOf(deviceSchema.parse({ os: "linux" }));
  return decide(matcher, evidence, parseInstant("2026-08-01T00:00:00Z"), device).mode;
}

test("an approved signer frees what carries a banned tool's marker, and nobody who only signs with that name does", () => {
  const approved = { subject: "Approved, Inc.", product: "Approved" };
  expect(mode(approved, true)).toBe("allow");
  expect(mode({ ...approved, unrooted: true }, true)).toBe("block");
});

test("a banned signer is found in a file for another system, and where no known authority stands behind it", () => {
  const banned = { teamId: "BANNED1234", signingId: "com.example.banned" };
  expect(mode(banned, false)).toBe("block");
  expect(mode({ ...banned, unrooted: true }, false)).toBe("block");
  expect(mode({ ...banned, signingId: "com.example.other" }, false)).toBe("allow");
});

test("what is wanted names every team and every subject", () => {
  expect([...matcher.wanted.signers].toSorted()).toEqual(["Approved, Inc.", "BANNED1234", "Banned, Inc."]);
});
