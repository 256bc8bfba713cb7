import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { run } from "#platform/commands.ts";

/** capabilities(7): CAP_SYS_NICE, which containers often lack. */
const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
const unable = ((effective >> 23n) & 1n) === 0n;
if (unable) console.warn("skipped: going first needs CAP_SYS_NICE");

/** Runs a piece of a program in a process of its own, beside this product's sources. */
async function said(code: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: join(import.meta.dirname, "../.."),
  });
  return text(child.stdout);
}

test.skipIf(unable)("who goes first does so with every thread", async () => {
  const priorities = await said(`
    import { readFile } from "node:fs/promises";
    import { readdirSync } from "node:fs";
    import { getPriority } from "node:os";
    import { goFirst } from "#platform/priority.ts";
    await readFile("package.json"); // by the pool's threads
    goFirst();
    console.log([...new Set(readdirSync("/proc/self/task").map((tid) => getPriority(Number(tid))))].join());
  `);
  expect(priorities).toBe("-14\n");
});

test.skipIf(unable)("what we start goes at everybody's pace, though we go first", async () => {
  const before = getPriority();
  setPriority(-3);
  try {
    expect((await run("/usr/bin/nice", [])).stdout.toString()).toBe("0\n");
    expect(getPriority()).toBe(-3);
  } finally {
    setPriority(before);
  }
});

test("what may not go first goes on", async () => {
  const priority = await said(`
    import { getPriority } from "node:os";
    import { goFirst } from "#platform/priority.ts";
    if (process.getuid() === 0) process.setuid(65534);
    goFirst();
    console.log(getPriority());
  `);
  expect(priority).toBe(`${getPriority()}\n`);
});
