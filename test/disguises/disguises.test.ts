import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { disguises } from "./disguises.ts";
import { explanations } from "./explain.ts";

/** What was promised to be tried; docs/disguises.md has a row for each. */
const promised = [
  "own name",
  "rename",
  "copy",
  "hard link",
  "symlink",
  "spoofed argv[0]",
  "process.title",
  "interpreter with script path",
  "stdin script",
  "-e import",
  "npx",
  "ld.so",
  "memfd + fexecve",
  "deleted while running",
  "bind mount in a private namespace",
  "tmpfs",
  "overlay",
  "chroot",
  "appended bytes",
  "one byte changed",
  "whole tree copied",
  "tree copied, package.json edited",
  "UPX",
  "started while the agent restarts",
  "running before the agent came",
  "started by root",
  "through sudo",
  "setsid",
  "container root",
];
const ids = disguises.map(({ id }) => id);

describe("the disguise matrix", () => {
  test("has a row for every disguise that was promised, and none twice", () => {
    expect(promised.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("explains only disguises that it has", () => {
    expect(explanations.flatMap((one) => one.disguises).filter((id) => !ids.includes(id))).toEqual([]);
  });
});

/** Rows that the gate must deny, of a program and of a script, with the real agent in a root file system of its own. */
const quick = ["own name", "rename", "copy", "hard link", "symlink", "overlay"];

describe.skipIf(lacking("root", "gcc", "libc6-dev"))("a banned tool", () => {
  test("is denied before it runs under its own name, renamed, copied, linked and on an overlay", async () => {
    const cells = await matrix("native", "script");
    expect(cells).toEqual(quick.flatMap((id) => [`${id}, native: denied`, `${id}, script: denied`]));
  }, 300_000);
});

/** What the matrix says of Edict, a line a cell. */
async function matrix(...tools: readonly string[]): Promise<readonly string[]> {
  const run = new URL("run.ts", import.meta.url).pathname;
  const only = [...quick.map((id) => `--disguise=${id}`), ...tools.map((tool) => `--tool=${tool}`)];
  const child = spawn(process.execPath, [run, "--enforcer=edict", ...only], { stdio: ["ignore", "pipe", "pipe"] });
  let [said, complained] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (complained += bytes.toString()));
  await once(child, "close");
  const [, ofEdict] = said.split("\nedict\n");
  if (ofEdict === undefined) throw new Error(`the matrix said ${said}${complained}`);
  return ofEdict
    .trim()
    .split("\n")
    .map((line) => line.trim());
}
