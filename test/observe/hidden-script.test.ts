import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { descriptorNamed } from "#observe/command-line.ts";
import { lacking } from "../needs.ts";
import { evidenceOf, folder, markerText, needle, write } from "./place.ts";

const code = `const marker = "${markerText}"; console.log("runs"); setInterval(() => {}, 1000);\n`;
const loader = "/lib64/ld-linux-x86-64.so.2";

/** What is found of a process's script, once it runs it. */
async function found(program: string, args: readonly string[], stdio: readonly (number | "ignore" | "pipe")[]) {
  const child = spawn(program, args, { stdio: [...stdio] });
  try {
    if (child.stdout === null) throw new Error("it says nothing");
    await once(child.stdout, "data");
    const { seen, script } = await evidenceOf(child.pid);
    return { marker: seen.marker, package: seen.package, script: script?.path };
  } finally {
    child.kill("SIGKILL");
  }
}

describe("a script that its interpreter's arguments do not lead to", () => {
  test("is known when it is read from standard input", async () => {
    const script = write(join(folder(), "cli.js"), code);
    const input = openSync(script, "r");
    try {
      const { marker, script: path } = await found(process.execPath, [], [input, "pipe", "ignore"]);
      expect([marker, path]).toEqual([{ value: [needle] }, script]);
    } finally {
      closeSync(input);
    }
  });

  test("is that process's open file and not ours of the same number", async () => {
    const script = write(join(folder(), "cli.js"), code);
    const input = openSync(script, "r");
    try {
      const args = ["--preserve-symlinks-main", "/proc/self/fd/3"];
      const { marker, script: path } = await found(process.execPath, args, ["ignore", "pipe", "ignore", input]);
      expect([marker, path]).toEqual([{ value: [needle] }, script]);
    } finally {
      closeSync(input);
    }
  });

  test("is known behind a loader that starts its interpreter", async () => {
    const script = write(join(folder(), "cli.js"), code);
    const { marker, script: path } = await found(loader, [process.execPath, script], ["ignore", "pipe", "ignore"]);
    expect([marker, path]).toEqual([{ value: [needle] }, script]);
  });

  test.skipIf(lacking("root"))(
    "is known by its bytes in a mount namespace of its own, links followed there",
    async () => {
      const home = folder();
      const made = `mount -t tmpfs none "$1"; cp "$2" "$1/real.js"; ln -s "$1/real.js" "$1/link.js"; exec "$3" "$1/link.js"`;
      const from = write(join(folder(), "cli.js"), code);
      const args = ["--mount", "/bin/sh", "-euc", made, "sh", home, from, process.execPath];
      const seen = await found("/usr/bin/unshare", args, ["ignore", "pipe", "ignore"]);
      expect(seen).toMatchObject({ marker: { value: [needle] }, script: join(home, "real.js") });
      expect(seen.package).toHaveProperty("unread");
      expect(execFileSync("ls", [home]).toString()).toBe("");
    },
  );
});

test.each([
  ["/dev/stdin", 0],
  ["/dev/fd/3", 3],
  ["/proc/self/fd/12", 12],
  ["/proc/thread-self/fd/4", 4],
  ["/dev/fd/", undefined],
  ["/dev/fd/3/x", undefined],
  ["/proc/1/fd/3", undefined],
  ["cli.js", undefined],
])("%s stands for the open file %s", (argument, number) => {
  expect(descriptorNamed(Buffer.from(argument))).toBe(number);
});
