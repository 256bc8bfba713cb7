import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { banText, catalogOf, policyOf, toolText } from "./text.ts";

const banned = { kind: "package", ecosystem: "go", id: "example.com/banned" };
const policy = policyOf({
  allow: ["approved"],
  bans: [banText({ id: "banned", tool: "banned" })],
  tools: [
    toolText(
      "approved",
      { kind: "package", ecosystem: "go", id: "example.com/approved" },
      { kind: "package", ecosystem: "npm", id: "approved" },
    ),
    toolText("banned", banned, { kind: "package", ecosystem: "npm", id: "banned" }),
  ],
});
const matcher = compile(policy, catalogOf());

function mode(...packages: readonly (readonly [ecosystem: string, id: string])[]): string {
  const value = packages.map(([ecosystem, id]) => ({ ecosystem, id }));
  const evidence = evidenceSchema.parse({ id: "e", kind: "installed", seen: { package: { value } } });
  const device = deviceOf(deviceSchema.parse({ os: "linux" }));
  return decide(matcher, evidence, parseInstant("2026-08-01T00:00:00Z"), device).mode;
}

test("a program is banned by what it says that it is, and not approved by it", () => {
  expect(mode(["go", "example.com/banned"])).toBe("block");
  expect(mode(["npm", "banned"], ["go", "example.com/approved"])).toBe("block");
  expect(mode(["go", "example.com/banned"], ["npm", "approved"])).toBe("allow");
  expect(mode(["go", "example.com/approved"])).toBe("allow");
});
