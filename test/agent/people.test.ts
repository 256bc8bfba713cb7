import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runAgent } from "#agent/main.ts";
import { run as edict } from "#cli/main.ts";
import { statusSchema, whySchema, type Entry } from "#protocol/status.ts";
import { lacking } from "../needs.ts";
import { SetClock } from "../fakes/clock.ts";
import {
  banning,
  end,
  isAlive,
  moody,
  nativeTool,
  onlyThese,
  openFolder,
  publisher,
  statusAt,
  until,
  type Tool,
} from "./place.ts";
import { askAs } from "./sockets.ts";

const [ann, ben] = [4242, 4243];

/** An agent in this process, on a clock of the test's own, that sees only what the test started. */
async function house(
  policy: (tool: Tool) => object,
  options: { readonly journal?: readonly Entry[]; readonly running?: readonly number[]; readonly at?: string } = {},
) {
  const { journal = [], running = [], at = "2026-07-20T12:00:00Z" } = options;
  const folder = await openFolder();
  const clock = new SetClock(at);
  const signer = await publisher(folder, clock);
  const tool = nativeTool(folder);
  await signer.publish(policy(tool));
  const web = await moody(signer.repo);
  const pids: (number | undefined)[] = [];
  const start = async (uid?: number) => {
    const child = await tool.start(uid);
    pids.push(child.pid);
    return child;
  };
  const before = [];
  for (const uid of running) before.push(await start(uid));
  /** What a directory service calls people. */
  const names = new Map<number, string>();
  const these = await onlyThese(() => pids);
  const platform = { ...these, nameOf: async (uid: number) => names.get(uid) ?? these.nameOf(uid) };
  const [state, run] = [join(folder, "state"), join(folder, "run")];
  mkdirSync(state);
  writeFileSync(join(state, "journal.ndjson"), journal.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const stop = new AbortController();
  const ready = Promise.withResolvers<undefined>();
  const config = { server: web.url, root: signer.root, state, run, roots: [], groups: [] };
  const more = {
    sweepSeconds: 0.2,
    pollSeconds: 1,
    enforcement: "policy",
    failClosed: false,
    gate: "off",
    logLevel: "info",
  } as const;
  const done = runAgent(
    { ...config, ...more },
    { clock, console: false, platform, ready: () => ready.resolve(undefined) },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  await Promise.race([ready.promise, done]);
  await until("the policy is in force", async () => (await statusAt(run)).policy.version > 0);
  const path = join(run, "agent.sock");
  return {
    clock,
    signer,
    tool,
    web,
    run,
    names,
    status: (uid = 0) => statusAt(run, uid),
    ask: (uid: number, question: object) => askAs(uid, path, question),
    start,
    /** Those of `running`, who were there before the agent. */
    before,
    /** `edict …` as this process's user, against this agent. */
    cli: async (...argv: readonly string[]) => {
      let [out, err] = ["", ""];
      const code = await edict(argv, {
        out: (text) => (out += text),
        err: (text) => (err += text),
        stdin: process.stdin,
        clock,
        env: { EDICT_RUN: run },
        cwd: folder,
        isTerminal: false,
        signal: stop.signal,
      });
      return { code, out, err };
    },
  };
}

const entry = (id: string, uid: number | null): Entry => ({
  id,
  at: "2026-07-19T12:00:00Z",
  uid,
  did: "stopped",
  tool: "parrot",
  ban: "parrot",
  mode: "block",
  what: `/home/${uid}/parrot`,
  because: [],
});

const graced = (tool: Tool): object => banning(tool, "block", { running: { grace: "PT10M" } });

describe.skipIf(lacking("root"))("people who share a machine", () => {
  test("each sees their own records and pending stops, and root everybody's", async () => {
    const journal = [entry("of-ann", ann), entry("of-ben", ben), entry("of-nobody", null)];
    const at = new Date().toISOString(); // whoever starts does so by the machine's clock
    const place = await house(graced, { journal, running: [ann, ben], at });
    await until("both have a grace", async () => (await place.status()).pending.length === 2);
    for (const [i, uid] of [ann, ben].entries()) {
      const { pending, recorded } = await place.status(uid);
      expect(pending.map(({ pid }) => pid)).toEqual([place.before[i]?.pid]);
      expect(recorded.map((one) => one.uid)).toEqual([uid, uid]);
      expect(recorded.map(({ did }) => did)).toEqual(["stopped", "grace"]);
    }
    expect((await place.status(5555)).recorded).toEqual([]);
    expect((await place.status()).recorded.slice(0, 3).map(({ id }) => id)).toEqual(["of-ann", "of-ben", "of-nobody"]);
  });

  test("nobody learns anything of another's process: the words are those for none", async () => {
    const { ask, start } = await house((tool) => banning(tool, "observe"));
    const child = await start(ann);
    const [pid, none] = [child.pid ?? 0, 2 ** 22 + 1];
    const hers = await ask(ann, { ask: "why-pid", pid });
    expect(hers?.ok).toBe(true);
    expect(whySchema.parse(hers?.ok === true ? hers.result : {}).lines.join("\n")).toContain("observe");
    expect((await ask(0, { ask: "why-pid", pid }))?.ok).toBe(true);
    for (const theirs of [pid, 1, process.pid, none])
      expect(await ask(ben, { ask: "why-pid", pid: theirs })).toEqual({
        ok: false,
        code: "unknown",
        message: `no process ${theirs} of yours`,
      });
  });

  test("only a warning can be answered, for oneself, and the answer holds its time and no longer", async () => {
    const { clock, tool, start, ask, cli, status } = await house((one) =>
      banning(one, "warn", { warn: { for: "PT8H" } }),
    );
    const go = { ask: "continue", ban: tool.id, reason: "the release is tonight" };
    expect(await ask(ann, { ...go, ban: "none" })).toMatchObject({ ok: false, code: "unknown" });
    expect(await ask(ann, go)).toMatchObject({
      ok: true,
      result: { until: expect.stringMatching(/^2026-07-20T20:0/) as string },
    });
    // It is the asker's alone: root is warned still, and can answer too.
    const { code, out } = await cli("continue", tool.id, "--reason", "as root", "--json");
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { ban: tool.id, until: expect.stringMatching(/^2026-07-20T20/) as string },
    ]);
    expect(await cli("continue", tool.id)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--reason") as string,
    });
    const mine = await start();
    await until("it is recorded", async () => (await status()).recorded.some(({ did }) => did === "recorded"));
    expect(isAlive(mine)).toBe(true);
    clock.set("2026-07-20T20:30:00Z");
    expect(await end(await start())).toBe("SIGTERM");
    await until("it is recorded", async () => (await status()).recorded.some(({ did }) => did === "stopped"));
  });

  test("whoever only a directory service knows has their exceptions, too", async () => {
    const exceptions = [{ ban: "parrot", person: "dana", until: "2026-08-01T00:00:00Z", reason: "migration" }];
    const place = await house((tool) => ({
      ...banning(tool, "block", { exceptions: { max: "P365D" } }),
      exceptions: exceptions.map((one) => ({ ...one, ban: tool.id })),
    }));
    place.names.set(ann, "dana");
    const [hers, his] = [await place.start(ann), await place.start(ben)];
    expect(await end(his)).toBe("SIGTERM");
    const dids = async (uid: number): Promise<readonly string[]> =>
      (await place.status(uid)).recorded.map(({ did }) => did);
    await until("both are recorded", async () => [...(await dids(ann)), ...(await dids(ben))].length > 1);
    expect([await dids(ann), await dids(ben)]).toEqual([["recorded"], ["stopped"]]);
    expect(isAlive(hers)).toBe(true);
  });

  test("a block is no warning, and a ban without exceptions takes no request", async () => {
    const { tool, ask, cli, web } = await house((one) =>
      banning(one, "block", { exceptions: "never", owner: "security" }),
    );
    expect(await ask(ann, { ask: "continue", ban: tool.id, reason: "please" })).toMatchObject({
      ok: false,
      code: "denied",
    });
    const refused = await cli("request", tool.id, "--reason", "please");
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining("security") as string });
    expect(await cli("request", "none", "--reason", "please")).toMatchObject({ code: 1 });
    expect(web.asked.some((one) => one.includes("requests"))).toBe(false);
  });

  test("a request that does not reach the server is said to have not, and nothing is recorded as asked", async () => {
    const { tool, cli, web, status } = await house((one) => banning(one, "block"));
    web.mood = "hangs up";
    expect(await cli("request", tool.id, "--reason", "please")).toMatchObject({
      code: 5,
      err: expect.stringContaining("did not reach the server") as string,
    });
    expect((await status()).recorded).toEqual([]);
  });

  test("a stage that begins by the clock has everything judged again", async () => {
    const stages = [
      { from: "2026-07-01T00:00:00Z", mode: "observe" },
      { from: "2026-07-21T00:00:00Z", mode: "block" },
    ];
    const { clock, tool, start, status, cli } = await house((one) => banning(one, "block", { stages }));
    const child = await start();
    await until("it is recorded", async () => (await status()).recorded.length === 1);
    const shown = JSON.parse((await cli("policy", "show", "--json")).out) as { bans: object[] };
    expect(shown.bans).toEqual([
      expect.objectContaining({ id: tool.id, mode: "observe", next: { mode: "block", from: "2026-07-21T00:00:00Z" } }),
    ]);
    expect(isAlive(child)).toBe(true);
    clock.set("2026-07-21T00:00:00Z");
    expect(await end(child)).toBe("SIGTERM");
  });

  test("status and policy show say in words and in JSON what is in force", async () => {
    const { tool, cli } = await house((one) => banning(one, "block"));
    expect(statusSchema.parse(JSON.parse((await cli("status", "--json")).out)).policy.bans).toBe(1);
    expect((await cli("status")).out).toContain(`bans ${tool.id}, version 2, 1 ban, in force since`);
    expect((await cli("policy", "show")).out).toMatch(new RegExp(`${tool.id}: Stand-in, block since 2020`));
    expect((await cli("why", tool.id)).out).toContain("A test.");
  });
});
