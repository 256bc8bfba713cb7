import { assert, property, shuffledSubarray } from "fast-check";
import { expect, test } from "vitest";
import { AuditRows } from "#cli/audit-rows.ts";
import { loadCatalog } from "#cli/catalog.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { evidenceSchema, type Evidence } from "#policy/evidence.ts";

const everything = matcherOfEverything(await loadCatalog());

function installed(path: string, seen: object): Evidence {
  const file = { path, dev: "8:1", ino: "7", size: 1, nlink: 1, owner: 1000 };
  return evidenceSchema.parse({ id: path, kind: "installed", at: "2026-07-10T00:00:00Z", file, seen });
}

const packaged = (id: string, version?: string) => ({ package: { value: [{ ecosystem: "npm", id, version }] } });
const own = "/home/ann/.npm-global/lib/node_modules/@anthropic-ai/claude-code";
const all = [
  installed(own, packaged("@anthropic-ai/claude-code", "2.1.197")),
  installed(`${own}-linux-x64`, packaged("@anthropic-ai/claude-code-linux-x64", "2.1.197-linux-x64")),
  installed(`${own}/cli.js`, { ...packaged("@anthropic-ai/claude-code"), name: { value: ["claude"] } }),
  installed(`${own}/node_modules/@google/gemini-cli`, packaged("@google/gemini-cli", "0.61.0")),
  installed("/home/ann/bin/claude", { name: { value: ["claude"] } }),
];

function rowsOf(evidence: readonly Evidence[]) {
  const rows = new AuditRows({ everything, os: "linux", judge: undefined, ownerName: String });
  for (const one of evidence) rows.add(one);
  return rows.rows();
}

test("an audit's rows are the same, in whatever order it came by what they are made of", () => {
  const rows = rowsOf(all);
  expect(rows.map(({ tool, where, version, also }) => [tool, where, version, also.length])).toEqual([
    ["claude-code", own, "2.1.197", 2],
    ["gemini-cli", `${own}/node_modules/@google/gemini-cli`, "0.61.0", 0],
    ["claude-code", "/home/ann/bin/claude", null, 0],
  ]);
  expect(rows[0]?.known[0]?.text).toBe("the npm package @anthropic-ai/claude-code");
  const orders = shuffledSubarray(all, { minLength: all.length });
  assert(
    property(orders, (some) => {
      expect(rowsOf(some)).toEqual(rows);
    }),
  );
});
