import { expect, test } from "vitest";
import { Enforcement } from "#enforce/execute.ts";
import { plan } from "#enforce/plan.ts";
import { systemClock } from "#lib/clock.ts";
import { instantOf } from "#lib/pure/instant.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Verdict } from "#policy/verdict.ts";
import { FakePlatform } from "../fakes/platform.ts";
import { evidenceOf, notice, verdictOf } from "../verdicts.ts";

/** Ann's tool with a child, a child that left the session, and a shell. */
function world(): FakePlatform {
  const platform = new FakePlatform().add(
    { pid: 5, session: 5, path: "/bin/bash", uid: 1000 },
    { pid: 7, ppid: 5, session: 5, start: 700, ino: "7", path: "/home/ann/.local/bin/claude" },
    { pid: 8, ppid: 7, session: 5 },
    { pid: 9, ppid: 8, session: 9 },
    { pid: 10, ppid: 8, session: 5, path: "/bin/bash" },
    { pid: 11, ppid: 10, session: 5 },
    { pid: 12, ppid: 8, session: 5, uid: 0 },
  );
  platform.vitalPaths.add("/bin/bash");
  return platform;
}

function start(platform: FakePlatform, clock = systemClock) {
  const enforcement = new Enforcement({ platform, clock, quarantine: "/q", times: { term: 1, kill: 1 } });
  const reader = enforcement.outcomes(new AbortController().signal)[Symbol.asyncIterator]();
  return {
    enforcement,
    judge: (v: Verdict, e: Evidence) => enforcement.start(plan(v, e, platform.capabilities), v, e),
    next: async (): Promise<Outcome> => {
      const result = await reader.next();
      if (result.done === true) throw new Error("no more outcomes");
      return result.value;
    },
  };
}

test("a program that just started is stopped with its tree, and nobody else", async () => {
  const platform = world();
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  const outcome = await next();
  expect(outcome).toMatchObject({ did: "stopped", ended: [7, 8, 11] });
  expect(outcome.left?.toSorted((a, b) => a - b)).toEqual([9, 10, 12]);
  expect([...platform.running.keys()]).toEqual([5, 9, 10, 12]);
  expect(platform.signals[0]).toBe("TERM 7");
  expect(platform.signals.filter((s) => s.startsWith("TERM"))).toHaveLength(1);
  expect(outcome.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

test("a tool that ignores SIGTERM stands still before it and its children are killed, leaf first", async () => {
  const platform = world().add({
    pid: 7,
    ppid: 5,
    session: 5,
    start: 700,
    ino: "7",
    on: (s) => (s === "TERM" ? "ignored" : undefined),
  });
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect(await next()).toMatchObject({ did: "stopped", ended: [7, 8, 11] });
  expect(platform.signals).toEqual(["TERM 7", "STOP 7", "STOP 8", "STOP 11", "KILL 11", "KILL 8", "KILL 7"]);
});

test("a child that is born while the tree is walked is found too", async () => {
  const platform = world();
  let births = 0;
  const bear = (s: string): void => {
    if (s === "STOP" && births < 5) {
      births += 1;
      platform.add({ pid: 100 + births, ppid: 8, session: 5, on: bear });
    }
  };
  platform.add({ pid: 8, ppid: 7, session: 5, on: bear });
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect((await next()).ended).toEqual([7, 8, 11, 101, 102, 103, 104, 105]);
});

test("a tree that grows without end is ended as far as it was seen, and the agent goes on", async () => {
  const platform = world();
  let births = 0;
  const bear = (s: string): void => {
    births += 1;
    if (s === "STOP") platform.add({ pid: 1000 + births, ppid: 8, session: 5, on: bear });
  };
  platform.add({ pid: 8, ppid: 7, session: 5, on: bear });
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect((await next()).did).toBe("stopped");
});

test.each([
  ["has gone", "gone", (p: FakePlatform) => p.end(7)],
  ["left its pid to another", "gone", (p: FakePlatform) => p.add({ pid: 7, start: 9999 })],
  ["became another program by exec", "spared", (p: FakePlatform) => p.add({ pid: 7, start: 700, ino: "99" })],
] as const)("a process that %s is not signalled", async (_what, did, change) => {
  const platform = world();
  change(platform);
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect((await next()).did).toBe(did);
  expect(platform.signals).toEqual([]);
});

test("a vital program is spared even when somebody judged otherwise, a script that it runs is not", async () => {
  const platform = world();
  platform.vitalPaths.add("/home/ann/.local/bin/claude");
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect((await next()).did).toBe("spared");
  expect(platform.signals).toEqual([]);
  judge(verdictOf(), evidenceOf("exec", { script: { path: "/home/ann/tool.sh" } }));
  expect((await next()).did).toBe("stopped");
});

test("whoever was made to stand still goes on again when the walk fails", async () => {
  const platform = world();
  platform.add({
    pid: 7,
    ppid: 5,
    session: 5,
    start: 700,
    ino: "7",
    on: (s) => (s === "TERM" ? "ignored" : undefined),
  });
  const tree = platform.tree.bind(platform);
  let looks = 0;
  platform.tree = (pid) => {
    looks += 1;
    return looks < 3 ? tree(pid) : Promise.reject(new Error("too many open files"));
  };
  const { judge, next } = start(platform);
  judge(verdictOf(), evidenceOf());
  expect(await next()).toMatchObject({ did: "failed", error: "too many open files" });
  expect(platform.signals).toContain("STOP 8");
  expect(platform.stopped.size).toBe(0);
});

const shortly = verdictOf({ notice: { ...notice, grace: 30 } });
const running = evidenceOf("process");

test("what ran already is told until when it may go on, and then stopped", async () => {
  const platform = world();
  const { judge, next, enforcement } = start(platform);
  judge(shortly, running);
  const told = await next();
  expect(told.did).toBe("grace");
  expect(enforcement.pending()).toEqual([{ pid: 7, uid: 1000, ban: "claude-code", until: told.until }]);
  expect(platform.signals).toEqual([]);
  expect((await next()).did).toBe("stopped");
  expect(enforcement.pending()).toEqual([]);
});

test("a grace is started again for nobody", async () => {
  let now = 0;
  const { judge, next, enforcement } = start(world(), { now: () => instantOf(now) });
  judge(verdictOf(), running);
  const first = await next();
  now = 300_000;
  judge(verdictOf(), running);
  expect(enforcement.pending()).toEqual([{ pid: 7, uid: 1000, ban: "claude-code", until: first.until }]);
  await enforcement.close();
});

test("a judgement that frees a process ends its grace", async () => {
  const platform = world();
  const { judge, next, enforcement } = start(platform);
  judge(shortly, running);
  await next();
  judge(verdictOf({ mode: "allow", ban: null }), running);
  expect((await next()).did).toBe("spared");
  expect(enforcement.pending()).toEqual([]);
});

const slow = (ban: string, grace: number): Verdict => verdictOf({ ban, notice: { ...notice, grace } });

test("another ban of the same process keeps the deadline that its person was told", async () => {
  let now = instantOf(1_000_000);
  const { enforcement, judge, next } = start(world(), { now: () => now });
  const told = slow("told", 60_000);
  judge(told, running);
  expect(await next()).toMatchObject({ did: "grace", until: "1970-01-01T00:17:40Z" });
  now = instantOf(1_030_000);
  judge(slow("another", 3_600_000), running);
  expect(await next()).toMatchObject({ did: "grace", until: "1970-01-01T00:17:40Z" });
  judge(slow("quicker", 10_000), running);
  expect(await next()).toMatchObject({ did: "grace", until: "1970-01-01T00:17:20Z" });
  expect(enforcement.pending()).toHaveLength(1);
  now = instantOf(1_040_000);
  judge(slow("late", 3_600_000), running);
  expect(await next()).toMatchObject({ did: "stopped" });
});

test("the graces of a withdrawn ban are dropped", async () => {
  const { judge, next, enforcement } = start(world());
  judge(verdictOf(), running);
  await next();
  enforcement.forget((ban) => ban !== "claude-code");
  expect(enforcement.pending()).toEqual([]);
  expect((await next()).did).toBe("spared");
});

test("a stop that was made zero meanwhile does not wait for the old grace", async () => {
  const { judge, next, enforcement } = start(world());
  judge(verdictOf(), running);
  await next();
  judge(verdictOf({ notice: { ...notice, grace: 0 } }), running);
  expect((await next()).did).toBe("stopped");
  expect(enforcement.pending()).toEqual([]);
});

test("a process that is judged again by the same stage is not reported again", async () => {
  const { judge, next } = start(world());
  const advised = verdictOf({ mode: "notify" });
  judge(advised, running);
  judge(advised, running);
  judge(verdictOf({ mode: "notify", stage: 2 }), running);
  expect([await next(), await next()].map((o) => [o.did, o.verdict.stage])).toEqual([
    ["told", 1],
    ["told", 2],
  ]);
});

test("what is installed is put into quarantine once, however often it is seen", async () => {
  const platform = world();
  const { judge, next } = start(platform);
  judge(verdictOf({ mode: "remove" }), evidenceOf("installed"));
  judge(verdictOf({ mode: "remove" }), evidenceOf("installed"));
  expect(await next()).toMatchObject({ did: "quarantined", quarantine: "q1" });
  expect(platform.quarantined).toHaveLength(1);
});

test("what fails says why", async () => {
  const platform = world();
  platform.quarantine = () => Promise.reject(new Error("it belongs to dpkg"));
  const { judge, next } = start(platform);
  judge(verdictOf({ mode: "remove" }), evidenceOf("installed"));
  expect(await next()).toMatchObject({ did: "failed", error: "it belongs to dpkg" });
});

test("a script that the gate denied to its interpreter is reported once, though the interpreter is stopped too", async () => {
  const platform = world();
  const { enforcement, judge, next } = start(platform);
  const script = { path: "/home/ann/tool.js", dev: "8:1", ino: "77" };
  enforcement.denied(verdictOf(), evidenceOf("exec", { script }));
  judge(verdictOf(), evidenceOf("exec", { script }));
  expect(await next()).toMatchObject({ did: "denied" });
  while (platform.running.has(7) || !enforcement.idle) await new Promise((resolve) => setTimeout(resolve, 1));
  judge(verdictOf({ mode: "notify" }), evidenceOf("exec", { script }));
  expect(await next()).toMatchObject({ did: "told" });
});
