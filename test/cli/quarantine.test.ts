import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run as runEdict } from "#cli/main.ts";
import { systemClock } from "#lib/clock.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { packageIn } from "../platform/packages.ts";
import { edict } from "./run.ts";

let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), "edict-cli-quarantine-"))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

const root = lacking("root");

test.skipIf(root !== undefined)("what was put aside is listed and brought back", async () => {
  const hall = join(base, "hall");
  const program = packageIn(join(base, "home"));
  const kept = await (await selectPlatform()).quarantine({ path: program, ino: String(statSync(program).ino) }, hall);
  expect(existsSync(program)).toBe(false);

  const listed = await edict(["quarantine", "list", "--dir", hall]);
  expect(listed.code).toBe(0);
  expect(listed.out).toContain(`${kept.id}  ${kept.at}  user 0`);
  expect(listed.out).toContain(kept.from);
  expect(JSON.parse((await edict(["quarantine", "list", "--dir", hall, "--json"])).out)).toEqual([kept]);

  const restored = await edict(["quarantine", "restore", kept.id, "--dir", hall]);
  expect(restored).toMatchObject({ code: 0, out: `It is back at ${kept.from}, and belongs to user 0 as before.\n` });
  expect(existsSync(program)).toBe(true);
  expect((await edict(["quarantine", "list", "--dir", hall])).out).toBe(`Nothing is in quarantine (${hall}).\n`);
});

test.skipIf(root !== undefined)(
  "an empty quarantine, a wrong id and one that is not there are said plainly",
  async () => {
    const hall = join(base, "never-made");
    expect(await edict(["quarantine", "list", "--dir", hall])).toMatchObject({ code: 0 });
    expect(existsSync(hall)).toBe(false);
    const wrong = await edict(["quarantine", "restore", "../../etc", "--dir", hall]);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain("edict quarantine list");
    const absent = await edict(["quarantine", "restore", "00000000-0000-4000-8000-000000000000", "--dir", hall]);
    expect(absent.code).toBe(1);
    expect(absent.err).toMatch(/^edict: .+\n$/);
  },
);

test.skipIf(root !== undefined)("only root looks into the quarantine", async () => {
  const said: string[] = [];
  const uid = process.getuid;
  process.getuid = () => 1000;
  try {
    const code = await runEdict(["quarantine", "list"], {
      out: (text) => said.push(text),
      err: (text) => said.push(text),
      stdin: process.stdin,
      clock: systemClock,
      env: {},
      cwd: base,
      isTerminal: false,
      signal: new AbortController().signal,
    });
    expect([code, ...said]).toEqual([3, "edict: only root may look into the quarantine: try again with sudo\n"]);
  } finally {
    if (uid !== undefined) process.getuid = uid;
  }
});

test("the session process is not shown in the help", async () => {
  const { out } = await edict(["--help"]);
  expect(out).toContain("quarantine");
  expect(out).not.toContain("session");
});
