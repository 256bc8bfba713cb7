import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { lacking } from "../needs.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

const summarySchema = z.strictObject({
  stopped: z.boolean(),
  replacementRan: z.boolean(),
  told: z.strictObject({ terminal: z.boolean(), toast: z.boolean() }),
  reported: z.boolean(),
  why: z.array(z.string()),
  audit: z.unknown(),
  seconds: z.number(),
});

function runDemo(command: string, args: readonly string[], home: string): z.infer<typeof summarySchema> {
  const env = { PATH: "/usr/bin:/bin", HOME: home, TMPDIR: home };
  const demo = spawnSync(command, [...args, process.execPath, main, "demo", "--once", "--json"], {
    env,
    encoding: "utf8",
  });
  expect(demo.stderr.split("\n").filter((line) => line !== "" && !line.endsWith(" …"))).toEqual([]);
  expect(demo.status).toBe(0);
  return summarySchema.parse(JSON.parse(demo.stdout.trimEnd().split("\n").at(-1) ?? ""));
}

/** What the demo promises; a toast needs a desktop. */
const promised = { stopped: true, replacementRan: true, reported: true };

test("the demo stops its stand-in, runs the replacement, tells the person, and the server knows exactly once", () => {
  const home = mkdtempSync(join(tmpdir(), "edict-demo-test-"));
  try {
    const { told, why, ...rest } = runDemo("/usr/bin/env", [], home);
    expect(rest).toMatchObject(promised);
    expect(told.terminal).toBe(true);
    expect(why.join("\n")).toContain("Use instead: Owl");
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}, 120_000);

/** Whether a person without rights can read this checkout and its runtime. */
function unreadable(): string | undefined {
  try {
    execFileSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, main, "--version"], {
      stdio: "ignore",
    });
    return undefined;
  } catch {
    console.warn("skipped: other users cannot read this folder");
    return "other users cannot read this folder";
  }
}

test.skipIf(lacking("root") !== undefined || unreadable() !== undefined)(
  "the demo does all that without root",
  () => {
    const home = mkdtempSync(join(tmpdir(), "edict-demo-test-"));
    try {
      execFileSync("chown", ["65534:65534", home]);
      const { told, why, ...rest } = runDemo(
        "/usr/bin/setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups"],
        home,
      );
      expect(rest).toMatchObject(promised);
      expect(told.terminal).toBe(true);
      expect(why.join("\n")).toContain("Use instead: Owl");
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
  120_000,
);
