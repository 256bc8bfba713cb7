import { describe, expect, test } from "vitest";
import { Absence } from "#agent/absence.ts";
import { openState } from "#agent/state.ts";
import { quiet } from "#lib/log.ts";
import { formatInstant, instantOf, parseInstant } from "#lib/pure/instant.ts";
import type { Boot } from "#platform/platform.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";
import {
  agent,
  banning,
  end,
  isAlive,
  moody,
  nothing,
  npmTool,
  openFolder,
  publisher,
  until,
  type AgentProcess,
  type Moody,
} from "./place.ts";

/** An agent whose policy bans one tool of the test's own, with a grace that no test outlives. */
async function house() {
  const folder = await openFolder();
  const signer = await publisher(folder);
  const tool = npmTool(folder);
  await signer.publish(banning(tool, "block", { running: { grace: "PT10M" } }));
  const web = await moody(signer.repo);
  const start = (settings: object = {}) => agent(folder, { server: web.url, root: signer.root, ...settings });
  /** An agent that has had its policy, and ends. */
  const before = async (
    signal: NodeJS.Signals,
    settings: object = {},
    meanwhile?: (one: AgentProcess) => Promise<void>,
  ): Promise<void> => {
    const one = start(settings);
    await one.says("a policy is in force");
    await askedTwice(web);
    await meanwhile?.(one);
    one.child.kill(signal);
    await end(one.child);
    await new Promise((resolve) => setTimeout(resolve, 100)); // who starts within 50 ms of its end may have been before it
  };
  return { signer, tool, web, start, before };
}

/** When the server is asked a second time, what it said at first is in force. */
async function askedTwice(web: Moody): Promise<void> {
  const polls = (): number => web.asked.filter((asked) => asked.endsWith("/timestamp.json")).length;
  const from = polls();
  await until("the server was asked", () => polls() >= from + 2);
}

async function lookedThrice(one: AgentProcess): Promise<void> {
  const from = (await one.status()).watching.sweeps;
  await until("it has looked", async () => (await one.status()).watching.sweeps >= from + 3);
}

async function did(one: AgentProcess): Promise<readonly string[]> {
  return (await one.status()).recorded.map((entry) => entry.did);
}

async function graceRuns(one: AgentProcess): Promise<void> {
  await until("the grace runs", async () => (await one.status().catch(() => undefined))?.pending.length === 1);
}

describe.skipIf(lacking("root"))("who starts a banned tool while the agent is down", () => {
  test("has the ban's grace until the server was asked, and none after that", async () => {
    const { tool, web, start, before } = await house();
    await before("SIGTERM");
    web.mood = "waits";
    const running = await tool.start();
    const one = start();
    await graceRuns(one);
    await lookedThrice(one);
    expect(isAlive(running)).toBe(true);
    web.mood = "good";
    expect(await end(running)).toBe("SIGTERM");
    await until("it is recorded", async () => (await did(one)).includes("stopped"));
    expect(await did(one)).toEqual(["grace", "stopped"]);
  });

  test("is let alone where the ban was withdrawn meanwhile", async () => {
    const { signer, tool, web, start, before } = await house();
    await before("SIGTERM");
    web.mood = "waits";
    const running = await tool.start();
    const one = start();
    await graceRuns(one);
    await signer.publish(nothing);
    web.mood = "good";
    await askedTwice(web);
    await lookedThrice(one);
    expect([await did(one), isAlive(running)]).toEqual([["grace", "spared"], true]);
  });

  test("has none either where the server cannot be asked: the last good policy counts", async () => {
    const { tool, web, start, before } = await house();
    await before("SIGTERM");
    web.mood = "hangs up";
    const running = await tool.start();
    start();
    expect(await end(running)).toBe("SIGTERM");
  });
});

describe.skipIf(lacking("root"))("the ban's grace has who runs a banned tool when the agent comes,", () => {
  type House = Awaited<ReturnType<typeof house>>;
  type Running = Awaited<ReturnType<House["tool"]["start"]>>;
  test.each<[who: string, start: (it: House) => Promise<Running>]>([
    [
      "and started it when the agent had been killed: until when that one watched nobody knows",
      async ({ tool, before }) => {
        await before("SIGKILL");
        return tool.start();
      },
    ],
    [
      "and started it while the agent watched and let it run",
      async ({ tool, before }) => {
        const started = Promise.withResolvers<Running>();
        await before("SIGTERM", { enforcement: "observe" }, async (one) => {
          started.resolve(await tool.start());
          await until("it is recorded", async () => (await did(one)).includes("recorded"));
        });
        return started.promise;
      },
    ],
    [
      "and started it before there was a ban",
      async ({ tool, before }) => {
        const running = await tool.start();
        await before("SIGTERM");
        return running;
      },
    ],
    ["and the agent was never here", ({ tool }) => tool.start()],
  ])("%s", async (_, started) => {
    const it = await house();
    const running = await started(it);
    const one = it.start();
    await graceRuns(one);
    await askedTwice(it.web);
    await lookedThrice(one);
    expect([(await one.status()).pending.length, isAlive(running)]).toEqual([1, true]);
  });
});

describe("since when nobody watched", () => {
  const noon = parseInstant("2026-07-20T12:00:00Z");
  const hour = 3_600_000;

  /** Runs of the agent on one machine, each from a time on; `boot` can be changed between them. */
  async function machine() {
    const folder = await temporaryFolder();
    const now: { boot: Boot | undefined } = { boot: { id: "first", seconds: 1000 } };
    const start = (hours = 0): Absence =>
      new Absence(openState(folder, quiet), () => now.boot, instantOf(noon + hours * hour));
    return { now, start, since: (absence: Absence) => absence.since && formatInstant(absence.since) };
  }

  test("is not known where the agent was never here, and where it was killed", async () => {
    const { start } = await machine();
    const first = start();
    expect(first.since).toBeUndefined();
    first.over();
    expect(start().since).toBeUndefined();
  });

  test("is when the agent ended, whatever was done to the clock", async () => {
    const { now, start, since } = await machine();
    const first = start();
    first.over();
    now.boot = { id: "first", seconds: 2000 };
    first.begins();
    now.boot = { id: "first", seconds: 2600 };
    expect(since(start())).toBe("2026-07-20T11:50:00.05Z");
    expect(since(start(5))).toBe("2026-07-20T16:50:00.05Z");
  });

  test("is when the machine was started, where the agent has not watched since", async () => {
    const { now, start, since } = await machine();
    start().over();
    now.boot = { id: "second", seconds: 60 };
    expect(since(start())).toBe("2026-07-20T11:59:00Z");
  });

  test("stays when it was, until what happened is being judged", async () => {
    const { now, start, since } = await machine();
    const first = start();
    first.over();
    first.begins();
    now.boot = { id: "first", seconds: 1600 };
    const second = start();
    second.begins(); // it has ended before the server was asked
    expect(since(start())).toBe("2026-07-20T11:50:00.05Z");
  });

  test("is not known on a machine that does not tell its starts apart", async () => {
    const { now, start } = await machine();
    const first = start();
    first.over();
    first.begins();
    now.boot = undefined;
    expect(start().since).toBeUndefined();
  });
});
