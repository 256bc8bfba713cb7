import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { exitCodes } from "#cli/exit-codes.ts";
import { verbs } from "#cli/verbs.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { version } from "#lib/version.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { edictAt } from "./edict.ts";

const at = async (...argv: readonly string[]) => edictAt(instantOf(0), await temporaryFolder(), ...argv);
const text = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const shown = verbs.filter((verb) => verb.hidden !== true);

test("--version is the package's, and what the agent reports", async () => {
  const { code, out } = await at("--version");
  const { version: packaged } = JSON.parse(text("package.json")) as { version: string };
  expect([code, out.trim(), version]).toEqual([0, packaged, packaged]);
});

test("--help names every verb, and every verb tells what it does", async () => {
  const { code, out } = await at("--help");
  expect(code).toBe(0);
  for (const { name } of shown) expect(out).toContain(`\n  ${name.split(" ")[0]}`);
  for (const { name, summary } of shown) {
    const help = await at(...name.split(" "), "--help");
    expect([name, help.code]).toEqual([name, 0]);
    expect(help.out).toContain(`edict ${name}`);
    expect(help.out).toContain(summary.slice(0, 20));
  }
});

test.for([
  ["nonsense"],
  ["policy", "nonsense"],
  ["status", "--nonsense"],
  ["status", "too", "many"],
  ["why"],
  ["continue"],
  ["policy"],
  [],
] as const)("edict %s is a mistake in the words, and is answered on standard error", async (argv) => {
  const { code, out, err } = await at(...argv);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/^(?:edict: .+\n(?:\(.+\)\n)?\(edict .*--help says what there is.*\)\n$|Usage: )/);
});

test.for([
  [["help"], "Usage: edict [options]"],
  [["help", "audit"], "Usage: edict audit [options]"],
  [["help", "policy", "lint"], "Usage: edict policy lint [options]"],
] as const)("edict %s is what --help prints", async ([argv, begins]) => {
  const { code, out, err } = await at(...argv);
  expect([code, out.slice(0, begins.length), err]).toEqual([0, begins, ""]);
});

test("a mistake in the words names where to read on, and a group of verbs names them", async () => {
  expect((await at("policy", "lnt")).err).toContain("(Did you mean lint?)\n(edict policy --help says what there is)");
  expect((await at("why", "--x")).err).toContain(
    "(edict why --help says what there is; a name that begins with a dash",
  );
  expect((await at("--help")).out).toMatch(/\n {2}catalog +new\n/);
});

test("the README's table of exit codes is the program's", async () => {
  const table = /### Exit codes\n\n\| code .*\n\|[-|]+\n((?:\|.*\n)+)/.exec(text("README.md"))?.[1] ?? "";
  const rows = table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, 3)
        .map((cell) => cell.trim()),
    );
  const codes = Object.values(exitCodes).map(([code, meaning]) => [String(code), meaning]);
  expect(rows).toEqual(codes);
  const { out } = await at("help", "exit-codes");
  for (const [code = "", meaning = ""] of codes) expect(out).toMatch(new RegExp(`${code}\\s+\\w+\\s+${meaning}`));
});

test.for([
  ["status"],
  ["status", "--json"],
  ["policy", "show"],
  ["request", "parrot", "--reason", "please"],
  ["continue", "parrot", "--reason", "please"],
] as const)("edict %s without an agent ends with 4, and says what to look at", async (argv) => {
  const { code, out, err } = await at(...argv);
  expect([code, out]).toEqual([4, ""]);
  expect(err).toMatch(/^edict: the agent does not answer.*\n$/);
});

test.for(["garbage\n", '{"ok":true}', '{"ok":"maybe"}\n', "x".repeat(17 * 1024 * 1024)])(
  "something that is no agent behind the socket is said to be none (%#)",
  async (answer) => {
    const dir = await temporaryFolder();
    const server = createServer((socket) => void socket.on("error", () => undefined).end(answer));
    server.listen(join(dir, "agent.sock"));
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { code, err } = await edictAt(instantOf(0), dir, "status");
    expect(code).toBe(4);
    expect(err).toMatch(/agent/);
    expect(err.length).toBeLessThan(300);
  },
);

test("what a stranger named is shown without steering the terminal", async () => {
  const dir = await temporaryFolder();
  const bad = "\u001b[2J\u001b]0;owned\u0007/tmp/par\u202Erot\nrm -rf /";
  const line = { up: false, why: bad, means: bad };
  const status = {
    version,
    device: "d",
    since: "2026-07-20T12:00:00Z",
    server: null,
    enforcement: "policy",
    policy: { name: bad, version: 1, activatedAt: null, bans: 1, state: "fresh" },
    groups: [{ name: bad, vouched: false, bans: true }],
    capabilities: {},
    lines: { gate: line, stream: line, sweep: line },
    watching: { sweeps: 1, processes: 1, unreadable: 0, installed: null, execs: { told: 9, vanished: 1, lost: 0 } },
    warnings: [{ code: "limited", title: bad, severity: "info", text: bad }],
    pending: [],
    recorded: [
      { id: "1", at: "", uid: 1, did: "stopped", tool: bad, ban: bad, mode: "block", what: bad, because: [bad] },
    ],
  };
  const ban = { id: bad, group: bad, tool: bad, mode: "block", since: null, reason: bad, replacement: bad, next: null };
  const inForce = { name: bad, version: 1, bans: [ban], conflicts: [bad] };
  const why = { lines: [bad], verdict: null, evidence: null };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (question) => {
      const asked = question.toString();
      const result = asked.includes("why") ? why : asked.includes("policy") ? inForce : status;
      socket.end(`${JSON.stringify({ ok: true, result })}\n`);
    });
  });
  server.listen(join(dir, "agent.sock"));
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const said: string[] = [];
  for (const argv of [["status"], ["doctor"], ["why", "parrot"], ["policy", "show"]]) {
    const { out } = await edictAt(instantOf(0), dir, ...argv);
    expect(out).toContain("rm -rf /");
    expect(out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(out).not.toMatch(/^rm/m);
    said.push(out);
  }
  expect(said[0]).toMatch(/^groups .*rm -rf \/ \(by its own configuration only, with bans of its own\)$/m);
  expect(said[3]).toMatch(/, block \(of the group .*rm -rf \/\)$/m);
  expect(said[3]).toContain("What was signed and does not count here:");
});

/** What a shell's line printed, and its exit code. `edict` is there the program. */
async function shell(line: string): Promise<{ readonly out: string; readonly err: string; readonly code: number }> {
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const script = `edict() { '${process.execPath}' '${main}' "$@"; }; ${line}; echo "code $?"`;
  const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", script]);
  return { out: stdout, err: stderr, code: Number(/code (\d+)\n$/.exec(stdout)?.[1]) };
}

test("a full disk is said in a sentence, and is no success", async () => {
  const full = await shell("edict policy schema > /dev/full");
  expect([full.code, full.err]).toEqual([
    1,
    expect.stringMatching(/^edict: the output could not be written: ENOSPC.*\n$/),
  ]);
  expect((await shell("edict why /nowhere/at/all 2> /dev/full")).code).toBe(2);
});

test("in a folder that is gone, what needs no folder works, and the rest says so", async () => {
  const dir = await temporaryFolder();
  const gone = (line: string) => shell(`mkdir '${dir}/gone'; cd '${dir}/gone'; rmdir ../gone; ${line}`);
  const relative = await gone("edict audit here");
  expect([relative.code, relative.err]).toEqual([
    1,
    expect.stringContaining("edict: the folder you are in is not there any more"),
  ]);
  expect((await gone("edict audit --json > /dev/null")).code).toBe(0);
});

test("a reader who goes away early is no error to speak of", async () => {
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const piped = `'${process.execPath}' '${main}' policy schema | head -c 1`;
  const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", piped]);
  expect([stdout, stderr]).toEqual(["{", ""]);
});
