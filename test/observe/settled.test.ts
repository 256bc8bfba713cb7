import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Footing } from "#observe/footing.ts";
import { interpreterNamed } from "#observe/command-line.ts";
import type { Looked } from "#observe/identify.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { nothingRead } from "#observe/seen.ts";
import { Settled } from "#observe/settled.ts";
import type { ExecSeen } from "#platform/platform.ts";

const glimpse = "a glimpse";

/** A start of a program of root's, and what is learned of it. */
function startOf(path: string, argv: readonly string[], change: Partial<ExecSeen> = {}): ExecSeen {
  const argvBytes = argv.map((one) => Buffer.from(one));
  return {
    pid: 7,
    path,
    stamp: "8:1 1 1 1 1",
    dev: "8:1",
    argvBytes,
    mounts: "mnt:[1]",
    sameMounts: true,
    glimpse: () => glimpse,
    ...change,
  };
}

/** A memory that has looked at a program once, in which nothing matters unless `matters` says so. */
function knowing(seen: ExecSeen, { footing = new Footing(), matters = false } = {}): Settled {
  const settled = new Settled(() => matters);
  const read = { seen: nothingRead("not in this test"), key: seen.stamp, footing };
  const program = { ...read, interpreter: interpreterNamed(seen.path.split("/").at(-1) ?? "") };
  const evidence = { id: "1", kind: "exec", file: { path: seen.path }, seen: read.seen } as Looked["evidence"];
  settled.learn(seen, { evidence, program, script: undefined });
  return settled;
}

const ask = (settled: Settled, seen: ExecSeen): string => settled.ask(seen, () => undefined).what;

test.each<[string, ExecSeen, boolean]>([
  ["a compiler", startOf("/usr/bin/cc1", ["cc1", "-quiet"]), true],
  ["a shell that is given code", startOf("/bin/sh", ["sh", "-c", "true"]), true],
  ["a shell that is given code among other letters", startOf("/bin/bash", ["bash", "-lc", "true"]), false],
  ["a shell on its standard input", startOf("/bin/sh", ["sh"]), false],
  ["an interpreter that is given a file", startOf("/usr/bin/perl", ["perl", "-c", "/nowhere"]), false],
  ["whoever runs packages", startOf("/usr/bin/npx", ["npx", "cowsay"]), false],
  ["a program without a glimpse", { ...startOf("/usr/bin/cc1", ["cc1"]), glimpse: () => undefined }, false],
])("by its glimpse alone %s is known: %#", (_what, seen, known) => {
  const settled = knowing(seen);
  expect(settled.knows(glimpse)).toBe(false);
  ask(settled, seen);
  expect(settled.knows(glimpse)).toBe(known);
});

test("a program that matters is never known by its glimpse", () => {
  const seen = startOf("/usr/bin/cc1", ["cc1"]);
  const settled = knowing(seen, { matters: true });
  expect(ask(settled, seen)).toBe("look");
  expect(settled.knows(glimpse)).toBe(false);
});

test("what it rests on is looked at again after a second", () => {
  const folder = mkdtempSync(join(tmpdir(), "edict-settled-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const footing = new Footing();
  const manifest = rawFromText(join(folder, "package.json"));
  if (manifest !== undefined) footing.on(manifest);
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const seen = startOf("/usr/bin/cc1", ["cc1"]);
  const settled = knowing(seen, { footing });
  ask(settled, seen);
  vi.advanceTimersByTime(1_001);
  expect(settled.knows(glimpse)).toBe(true);
  writeFileSync(join(folder, "package.json"), "{}");
  expect(settled.knows(glimpse)).toBe(true); // only root can have written it, and a second is short
  vi.advanceTimersByTime(1_001);
  expect(settled.knows(glimpse)).toBe(false);
  expect(settled.knows(glimpse)).toBe(false);
});
