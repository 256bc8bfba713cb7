import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { Config } from "#agent/config.ts";
import { ask } from "#cli/control-client.ts";
import { systemClock } from "#lib/clock.ts";
import { statusSchema } from "#protocol/status.ts";
import { startEstate, type Estate } from "../bench/estate.ts";
import type { Enforcer } from "./enforcer.ts";
import type { Place } from "./place.ts";
import type { Tool } from "./tool.ts";

/** Bans these tools as a catalog and a policy would: by packages, hashes and markers. */
export function policyFor(tools: readonly Tool[]): object {
  return {
    formatVersion: 1,
    name: "disguises",
    // One ban stops the same tool under dozens of disguises within a minute here, some of them root's.
    limits: { notifyPerDay: 0, breaker: { programs: 10_000, window: "PT1M" } },
    bans: tools.map(({ kind }) => ({
      id: `parrot-${kind}`,
      tool: `parrot-${kind}`,
      reason: "It is a stand-in.",
      owner: "security@example.com",
      stages: [{ from: "2026-01-01T00:00:00Z", mode: "block" }],
      running: { grace: "PT1S" },
    })),
    tools: tools.map(({ kind, identities }) => ({
      id: `parrot-${kind}`,
      name: `Parrot ${kind}`,
      vendor: "Edict",
      category: "demo",
      identities,
    })),
  };
}

export interface Edict extends Enforcer {
  /** Takes its server away. */
  readonly close: () => Promise<void>;
}

/** The real agent in a process of its own, with a real server. `log` takes what the agent said each time it has stopped. */
export async function edict(tools: readonly Tool[], place: Place, log: (text: string) => void): Promise<Edict> {
  const estate = await startEstate(Buffer.from(JSON.stringify(policyFor(tools))), systemClock);
  const state = join(estate.folder, "state");
  let agent: Agent | undefined;
  return {
    name: "edict",
    life: 5000,
    comesWithin: 20_000,
    start: async () => {
      agent = await startAgent(estate, place, log);
    },
    stop: async () => {
      await agent?.stop();
      agent = undefined;
    },
    forget: () => {
      rmSync(state, { recursive: true, force: true });
      return Promise.resolve();
    },
    close: () => estate.close(),
  };
}

interface Agent {
  readonly stop: () => Promise<void>;
}

async function startAgent({ folder, settings }: Estate, { uid }: Place, log: (text: string) => void): Promise<Agent> {
  const config: Config = {
    ...settings,
    groups: [],
    pollSeconds: 60,
    enforcement: "policy",
    failClosed: false,
    gate: "on",
    logLevel: "debug",
  };
  mkdirSync(settings.run, { recursive: true });
  const file = join(folder, "agent.json");
  writeFileSync(file, JSON.stringify(config));
  let said = "";
  const program = join(import.meta.dirname, "agent.ts");
  const child = spawn("/usr/bin/timeout", ["--signal=KILL", "1800", process.execPath, program, file, String(uid)], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  for (const end = performance.now() + 60_000; !said.includes("the gate is up"); await after(20)) {
    if (child.exitCode === null && performance.now() < end) continue;
    await endAll(child);
    throw new Error(`the agent did not come up: ${said.slice(-5000)}`);
  }
  await looked(settings.run);
  return {
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the agent had ended: ${said.slice(-5000)}`);
      log(said);
      await endAll(child);
    },
  };
}

/** Until it has looked at everything that is installed, and had a second more to tell its gate. @throws after 30 s */
async function looked(run: string): Promise<void> {
  for (const end = performance.now() + 30_000; ; await after(50)) {
    const status = statusSchema.parse(await ask({ ask: "status" }, { env: { EDICT_RUN: run } }));
    if (status.watching.installed !== null) return after(1000);
    if (performance.now() > end) throw new Error("the agent has not looked at what is installed");
  }
}

/** With SIGTERM to timeout(1), which hands it on; after 10 s with SIGKILL to both. */
async function endAll(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}
