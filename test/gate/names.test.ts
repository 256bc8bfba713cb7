import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chownSync, copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { GatePlace, marker, run, until, type Ran } from "./place.ts";

describe.skipIf(lacking("root"))("a banned program", () => {
  let place: GatePlace;
  /** Answers what the gate asks, once it has been asked. */
  let asked: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    place = await GatePlace.open({
      hears: {
        owner: async () => {
          await asked?.();
          return {};
        },
      },
    });
  });
  afterAll(() => place.close());

  test.each([
    ["a newline", "new\nline"],
    ["nothing but spaces", "   "],
    ["the kernel's word for a deleted file", "gone (deleted)"],
    ["a control character and quotes", '\u001b[2J"\\'],
    ["255 bytes", "n".repeat(255)],
  ])("is denied and named where its name has %s", async (_, name) => {
    const path = place.add(name, { banned: true });
    expect(await run(path)).toBe("denied");
    await until(() => place.denied.some(({ file }) => file?.path === path));
    expect(await run(place.add(name))).toBe(0);
  });

  test("is denied and named where its name is no text", async () => {
    const script = 'p="$(printf "$1/\\\\377\\\\376")"; mv "$0" "$p"; "$p"; exit $?';
    expect(await run("/bin/sh", "-c", script, place.add("bytes", { banned: true }), place.folder)).toBe(126);
    const bytes = Buffer.concat([Buffer.from(`${place.folder}/`), Buffer.of(0xff, 0xfe)]);
    await until(() => place.denied.some(({ file }) => file?.pathBytes === bytes.toString("base64")));
    expect(await run("/bin/sh", "-c", script, place.add("bytes"), place.folder)).toBe(0);
  });

  test.each([
    ["", true],
    ["; an innocent one runs", false],
  ])("is denied where its path is longer than the kernel tells%s", async (_, banned) => {
    const program = place.add(`deep-${banned}`, { banned });
    const said = await deep(program, place.folder);
    expect(said).toBe(banned ? "EPERM" : "0");
    if (banned) await until(() => place.denied.some(({ file }) => file?.path === "(unnamed)" || file?.path === ""));
  });

  test("that takes the place of another while that one is asked about does not run in its stead", async () => {
    const path = place.add("node_modules/some-package/program", { owner: 1000 });
    const banned = place.add("banned", { banned: true, owner: 1000 });
    asked = () => Promise.resolve(renameSync(banned, path));
    expect(await run("/bin/sh", "-c", '"$0"; exit $?', path)).toBe(0); // what was asked about is what runs
    asked = undefined;
    expect(await run("/bin/sh", "-c", '"$0"; exit $?', path)).toBe(126);
  });

  test("that takes turns with another under one name is denied each time that it is its turn", async () => {
    const innocent = place.add("innocent", { owner: 1000 });
    const turns = place.add("turns", { owner: 1000 });
    const bad = join(place.folder, "bad");
    copyFileSync("/bin/false", bad); // which says so where it runs
    appendFileSync(bad, marker);
    chownSync(bad, 1000, 1000);
    const swap = `
      const [, turns, ...programs] = process.argv;
      const { copyFileSync, renameSync } = require("node:fs");
      for (let i = 0; ; i += 1) {
        copyFileSync(programs[i % 2], turns + "-next");
        renameSync(turns + "-next", turns);
      }`;
    const child = spawn(process.execPath, ["-e", swap, turns, bad, innocent], { stdio: "ignore" });
    const ran = new Set<Ran>();
    for (let i = 0; i < 300 || (ran.size < 2 && i < 5_000); i += 1) ran.add(await run(turns));
    child.kill();
    expect(ran).toEqual(new Set([0, "denied"]));
  });
});

/** Copies a program to the end of a path of 5,000 bytes, and starts it there. */
async function deep(program: string, folder: string): Promise<string> {
  const script = `
    const { copyFileSync, mkdirSync } = require("node:fs");
    const [, program, folder] = process.argv;
    process.chdir(folder);
    for (let i = 0; i < 20; i += 1) {
      const name = "d".repeat(250);
      mkdirSync(name, { recursive: true });
      process.chdir(name);
    }
    copyFileSync(program, "program");
    const { status, error } = require("node:child_process").spawnSync("./program");
    console.log(error?.code ?? status);`;
  const child = spawn(process.execPath, ["-e", script, program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await Promise.all([child.stdout.setEncoding("utf8").toArray(), once(child, "exit")]);
  return said.join("").trim();
}
