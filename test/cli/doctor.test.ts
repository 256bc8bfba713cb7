import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "#cli/main.ts";
import { controlSocket } from "#protocol/control.ts";
import { systemClock } from "#lib/clock.ts";
import type { Io } from "#cli/command.ts";

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
  expect(out).toMatch(/^up {4}stopping programs: /m);
  expect(out).toContain("because this release watches by sweeps");
});

test("with an agent, doctor repeats what the agent says about itself", async () => {
  const health = {
    capabilities: { stop: { up: false, why: "root without CAP_KILL" } },
    warnings: [{ code: "stale", title: "The list is old", severity: "warning", text: "Look at the network." }],
  };
  const agent = createServer((socket) => {
    socket.once("data", () => socket.end(`${JSON.stringify({ ok: true, result: { ...health, more: 1 } })}\n`));
  }).listen(join(folder, controlSocket));
  await once(agent, "listening");
  try {
    const { code, out } = await edict("doctor");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "The agent runs. What it can do on this machine:",
      "down  stopping programs: a banned tool is recorded and its user told, but it goes on running",
      "      because root without CAP_KILL",
      "· The list is old: Look at the network.",
      "",
    ]);
    expect(JSON.parse((await edict("doctor", "--json")).out)).toEqual({ agent: true, ...health });
  } finally {
    agent.close();
  }
});
