import { z } from "zod";
import { policySchema } from "#policy/ban.ts";
import { tableSchema } from "#policy/cases.ts";
import { deviceSchema } from "#policy/device.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { groupPolicySchema } from "#policy/group.ts";
import { devicesSchema } from "#policy/members.ts";
import { catalogToolSchema } from "#policy/tool.ts";

const documents = {
  policy: policySchema,
  "group-policy": groupPolicySchema,
  devices: devicesSchema,
  tool: catalogToolSchema,
  device: deviceSchema,
  evidence: evidenceSchema,
  cases: tableSchema,
} as const;

/** File name → JSON Schema (draft 2020-12) of what is written by hand, for editors that complete and check. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(documents).map(([name, schema]) => {
      const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
      return [`${name}.schema.json`, `${JSON.stringify({ title: `edict ${name}`, ...json }, undefined, 2)}\n`];
    }),
  );
}
