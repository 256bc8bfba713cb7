import { readdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadCatalog } from "#cli/catalog.ts";
import { parseCases, runCases } from "#policy/cases.ts";
import { compile } from "#policy/compile.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { merge } from "#policy/merge.ts";
import { parsePolicy } from "#policy/parse.ts";
import { modes, type Reason } from "#policy/verdict.ts";
import { whom } from "./written.ts";

const dir = resolve(import.meta.dirname, "../../policies/cases");
const catalog = await loadCatalog();
const rows = readdirSync(dir)
  .filter((name) => name.endsWith(".json"))
  .flatMap((name) => {
    const path = resolve(dir, name);
    const table = parseCases(readFileSync(path));
    const read = (file: string): Buffer => readFileSync(resolve(dirname(path), file));
    const groups = new Map(
      Object.entries(table.groups ?? {}).map(([group, file]) => [group, parseGroupPolicy(read(file), group)]),
    );
    const matcher = compile(
      merge({ base: parsePolicy(read(table.policy)), catalog, groups, grants: [] }, whom).policy,
      catalog,
    );
    return runCases(matcher, table).map((result) => ({ table: name, ...result }));
  });

test.each(rows.map(({ table, name, wrong }) => [table, name, wrong] as const))("%s: %s", (_table, _name, wrong) => {
  expect(wrong).toEqual([]);
});

test("the tables come to every mode and every rule", () => {
  const seen = rows.flatMap(({ verdict }) => (verdict === undefined ? [] : [verdict]));
  expect(new Set(seen.map((verdict) => verdict.mode))).toEqual(new Set(modes));
  const rules: readonly Reason["rule"][] = [
    "vital",
    "approved",
    "no-identity",
    "identity",
    "scope",
    "stage",
    "exception",
    "acknowledged",
    "replacement",
    "breaker",
    "grade",
    "strictest",
    "emergency",
  ];
  expect(new Set(seen.flatMap((verdict) => verdict.because.map((reason) => reason.rule)))).toEqual(new Set(rules));
});
