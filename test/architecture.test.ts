import { cruise, type IReporterOutput, type ICruiseResult } from "dependency-cruiser";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import config from "../.dependency-cruiser.mjs";

async function violations(base: string): Promise<{ seen: number; found: string[] }> {
  const baseDir = fileURLToPath(new URL(base, import.meta.url));
  const { output }: IReporterOutput = await cruise(["src"], {
    ...config.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: config.forbidden ?? [] },
  });
  const { summary } = output as ICruiseResult;
  return {
    seen: summary.totalCruised,
    found: summary.violations.map((v) => `${v.rule.name}: ${v.from} -> ${v.to}`).toSorted(),
  };
}

test("every planted breach of the import law is caught", async () => {
  expect((await violations("./canary")).found).toMatchInlineSnapshot(`
    [
      "cli-imports-only-its-own: src/cli/commands/lint.ts -> src/agent/agent.ts",
      "no-require-round-the-doors: src/platform/linux/required.ts -> module",
      "notify-imports-only-its-own: src/notify/sibling.ts -> src/enforce/execute.ts",
      "one-door-to-other-programs: src/platform/linux/dynamic.ts -> child_process",
      "platform-takes-types-only-from-policy: src/platform/value.ts -> src/policy/value.ts",
      "policy-imports-only-its-own: src/policy/sideways-type.ts -> src/lib/clock-type.ts",
      "policy-imports-only-its-own: src/policy/sideways.ts -> src/lib/errors.ts",
      "pure-folders-take-zod-and-nothing-else: src/policy/core.ts -> fs",
      "server-imports-only-its-own: src/server/console/page.ts -> src/agent/agent.ts",
      "the-console-knows-the-protocol-only: src/server/console/page.ts -> src/agent/agent.ts",
      "trust-takes-node-only: src/trust/library.ts -> ../../node_modules/hono/dist/types/index.d.ts",
    ]
  `);
});

test("src keeps the import law", async () => {
  const { seen, found } = await violations("..");
  expect(found).toEqual([]);
  expect(seen).toBeGreaterThan(15);
});
