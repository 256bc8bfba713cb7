import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { run } from "#cli/main.ts";
import { controlSocket } from "#protocol/control.ts";
import { systemClock } from "#lib/clock.ts";
import type { Io } from "#cli/command.ts";
import { lacking } from "../needs.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "edict-doctor-"))));
afterEach(() => rmSync(folder, { recursive: true }));

async function edict(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const io: Io = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    stdin: Readable.from([]),
    clock: systemClock,
    env: { EDICT_RUN: folder },
    cwd: folder,
    isTerminal: false,
    signal: new AbortController().signal,
  };
  return { code: await run(argv, io), out, err };
}

test("without an agent, doctor says so and what this user could do", async () => {
  const { code, out } = await edict("doctor");
  expect(code).toBe(0);
  expect(out).toContain("No agent answers here");
  expect(out).toMatch(/^able {2}the sweeps/m);
  expect(out).toMatch(/^able {2}stopping programs: /m);
  expect(out).not.toMatch(/^up/m); // nothing serves
});

describe.skipIf(lacking("root"))("without an agent, doctor says why no program could be held before it starts", () => {
  const setpriv = ["--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"];
  test.each([
    ["a service without the right", "/usr/bin/setpriv", setpriv, "root without CAP_SYS_ADMIN"],
    ["another user", "/usr/bin/setpriv", ["--reuid", "4242", "--clear-groups"], "not root"],
    ["root in a user namespace of its own", "/usr/bin/unshare", ["--user", "--map-root-user"], "in a container"],
    ["root in a pid namespace of its own", "/usr/bin/unshare", ["--pid", "--fork", "--mount-proc"], "in a container"],
  ])("%s", async (_, program, args, why) => {
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const command = [...args, process.execPath, main, "doctor", "--json"];
    const { stdout } = await promisify(execFile)(program, command, { env: { EDICT_RUN: folder } });
    const gate = {
      up: false,
      why: expect.stringContaining(why) as string,
      means: expect.stringMatching(/^a banned program runs until/) as string,
    };
    expect(JSON.parse(stdout)).toMatchObject({ agent: false, lines: { gate } });
  });
});

/** An agent that gives this one answer, whatever it is asked, until the test ends. */
async function answering(result: object): Promise<void> {
  const agent = createServer((socket) => {
    socket.once("data", () => socket.end(`${JSON.stringify({ ok: true, result })}\n`));
  }).listen(join(folder, controlSocket));
  onTestFinished(() => void agent.close());
  await once(agent, "listening");
}

test("with an agent, doctor repeats what the agent says about itself", async () => {
  const lines = {
    gate: { up: false, why: "it died", means: "a banned program runs until the exec stream sees it", policy: null },
    stream: { up: true, why: null, means: "every start is noticed" },
    sweep: { up: true, why: null, means: "everything that runs is looked at" },
  };
  const health = {
    lines,
    capabilities: { stop: { up: false, why: "root without CAP_KILL" } },
    warnings: [
      { code: "line-down", title: "It is said above", severity: "info", text: "Above." },
      { code: "stale", title: "The list is old", severity: "warning", text: "Look at the network." },
    ],
  };
  await answering({ ...health, more: 1 });
  const { code, out } = await edict("doctor");
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "The agent runs. What stands between a person and a banned program here:",
    "down  the gate (before a start): a banned program runs until the exec stream sees it",
    "      because it died",
    "up    the exec stream (at a start): every start is noticed",
    "up    the sweeps (after a start): everything that runs is looked at",
    "What else it can do:",
    "down  stopping programs: a banned tool is recorded and its user told, but it goes on running",
    "      because root without CAP_KILL",
    "· The list is old: Look at the network.",
    "",
  ]);
  expect(JSON.parse((await edict("doctor", "--json")).out)).toEqual({ agent: true, ...health });
});

test("where the gate answers by an older policy, status and doctor say by which and why, once", async () => {
  const up = { up: true, why: null, means: "it is seen" };
  const lines = {
    gate: { up: true, why: "it was not ready in time", means: "what version 3 bans does not begin", policy: 3 },
    stream: up,
    sweep: up,
  };
  await answering({
    version: "1",
    device: "d",
    since: "2026-07-20T12:00:00Z",
    server: null,
    enforcement: "policy",
    policy: { name: "p", version: 4, activatedAt: "2026-07-20T12:00:00Z", bans: 1, state: "fresh" },
    groups: [],
    capabilities: {},
    lines,
    watching: { sweeps: 1, processes: 1, unreadable: 0, installed: null, execs: null },
    warnings: [{ code: "gate-behind", title: "It is said above", severity: "warning", text: "Above." }],
    pending: [],
    recorded: [],
  });
  const [status, doctor] = [(await edict("status")).out, (await edict("doctor")).out];
  expect(status).toContain("\ngate        up: what version 3 bans does not begin (it was not ready in time)\n");
  expect(doctor).toContain(
    "\nup    the gate (before a start): what version 3 bans does not begin\n      because it was not ready in time\n",
  );
  expect(status + doctor).not.toContain("said above");
  expect(JSON.parse((await edict("status", "--json")).out)).toMatchObject({ lines });
});
