import { Ajv2020 } from "ajv/dist/2020.js";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadCatalog } from "#cli/catalog.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { lintGroup } from "#policy/lint-group.ts";
import { lint } from "#policy/lint.ts";
import { parseDevices } from "#policy/members.ts";
import { parsePolicy } from "#policy/parse.ts";
import { jsonSchemas } from "#policy/schemas.ts";

const policies = join(import.meta.dirname, "../../policies");
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const files = (dir: string): string[] =>
  readdirSync(join(policies, dir))
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(policies, dir, name));

test.each([...jsonSchemas()])("%s is what `npm run schema` writes", (name, text) => {
  expect(readFileSync(join(policies, "schema", name), "utf8"), "run `npm run schema`").toBe(text);
});

test.each([
  ["policy", [...files("examples"), ...files("cases/policies")]],
  ["group-policy", [join(policies, "examples/groups/finance/policy.json")]],
  ["devices", [join(policies, "examples/groups/devices.json")]],
  ["cases", files("cases")],
  ["tool", files("catalog")],
])("an editor finds nothing wrong in what we ship by %s.schema.json", (name, paths) => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(jsonSchemas().get(`${name}.schema.json`) ?? ""));
  expect(paths.length).toBeGreaterThan(name === "policy" ? 2 : 0);
  for (const path of paths) expect([path, validate(json(path)), validate.errors]).toEqual([path, true, null]);
});

test("an editor marks an unknown key and an unknown mode", () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(jsonSchemas().get("policy.schema.json") ?? ""));
  expect(validate({ name: "n", bans: [], ban: 1 })).toBe(false);
  expect(
    validate({ name: "n", bans: [{ id: "x", tool: "x", stages: [{ from: "2026-07-10T00:00:00Z", mode: "deny" }] }] }),
  ).toBe(false);
});

test.each(files("examples"))("%s lints clean with the shipped catalog", async (path) => {
  expect(lint(parsePolicy(readFileSync(path)), await loadCatalog())).toEqual([]);
});

const read = (path: string): Buffer => readFileSync(join(policies, "examples", path));

test("the example of a group lints clean beside the policy that it is for, and its devices are read", async () => {
  const base = parsePolicy(read("ban-claude-code.json"));
  const group = parseGroupPolicy(read("groups/finance/policy.json"), "finance");
  expect(lintGroup("finance", group, base, await loadCatalog())).toEqual([]);
  expect([...parseDevices(read("groups/devices.json")).groups.keys()]).toEqual(["finance", "research"]);
});
