import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { Given } from "#observe/given.ts";
import { ProcessWatch } from "#observe/process-watch.ts";
import { PlatformError, type Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Evidence } from "#policy/evidence.ts";
import { FakePlatform } from "../fakes/platform.ts";
import { folder, identifier, nativeTool, needle, npmTool, start } from "./place.ts";

const longAgo = instantOf(0);

function watching(platform: Platform, absentSince?: Instant) {
  const given: Evidence[] = [];
  const watch = new ProcessWatch({
    platform,
    clock: systemClock,
    give: (evidence) => given.push(evidence),
    given: new Given(),
    absentSince,
  });
  const it = identifier();
  const sweep = (activatedAt = longAgo) => watch.sweep(it, () => activatedAt);
  return { given, watch, sweep, of: (pid?: number) => given.filter((e) => e.process?.pid === pid) };
}

test("what ran before the policy is running, what starts later is an exec, and each is given once", async () => {
  const { sweep, of } = watching(await selectPlatform());
  const program = nativeTool(join(folder(), "tool"));
  const early = await start(program, ["1000"]);
  const activatedAt = instantOf(systemClock.now() + 20); // a start is known to 10 ms (proc(5))
  await sweep(activatedAt);
  const late = await start(program, ["1000"]);
  await sweep(activatedAt);
  await sweep(activatedAt);
  expect(of(early.pid).map((e) => e.kind)).toEqual(["process"]);
  expect(of(late.pid).map((e) => e.kind)).toEqual(["exec"]);
  expect(of(late.pid)[0]?.seen.marker).toEqual({ value: [needle] });
});

/** So long that a start before it and one after it are told apart: a start is known to 10 ms (proc(5)). */
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

const ago = (milliseconds: number): Instant => instantOf(systemClock.now() - milliseconds);
const kinds = (evidence: readonly Evidence[]): readonly string[] => evidence.map((e) => e.kind);
/** Before any policy is known. */
const never = instantOf(8.64e15);

/** A program that has run for a moment when the agent comes. */
async function running() {
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  await moment();
  return child;
}

describe("what was started while the agent was down", () => {
  test("under a policy that is known to stand is an exec", async () => {
    const child = await running();
    const { sweep, watch, of } = watching(await selectPlatform(), ago(30_000));
    watch.confirm();
    await sweep(ago(60_000));
    expect(kinds(of(child.pid))).toEqual(["exec"]);
  });

  test("is running until that is known, and then an exec, once", async () => {
    const child = await running();
    const { sweep, watch, of, given } = watching(await selectPlatform(), ago(30_000));
    const activatedAt = ago(60_000);
    await sweep(never);
    watch.lookAgain(); // the last good policy is read
    await sweep(activatedAt);
    await sweep(activatedAt);
    expect(kinds(of(child.pid))).toEqual(["process", "process"]);
    expect(watch.owed).toBe(false);
    watch.confirm();
    expect(watch.owed).toBe(true);
    const before = given.length;
    await sweep(activatedAt);
    expect(kinds(of(child.pid))).toEqual(["process", "process", "exec"]);
    expect(kinds(given.slice(before)), "who ran before is not given again").not.toContain("process");
    expect(watch.owed).toBe(false);
    watch.lookAgain();
    await sweep(activatedAt);
    expect(kinds(of(child.pid))).toEqual(["process", "process", "exec", "process"]);
  });

  test("is no exec yet for a sweep that had begun before that was known: it may have begun before there was any policy", async () => {
    const child = await running();
    const platform = await selectPlatform();
    const { sweep, watch, of } = watching(
      {
        ...platform,
        processes: () => {
          watch.confirm();
          return platform.processes();
        },
      },
      ago(30_000),
    );
    await sweep(ago(60_000));
    expect([kinds(of(child.pid)), watch.owed]).toEqual([["process"], true]);
    await sweep(ago(60_000));
    expect([kinds(of(child.pid)), watch.owed]).toEqual([["process", "exec"], false]);
  });

  test("is running under a policy that is newer", async () => {
    const child = await running();
    const { sweep, watch, of } = watching(await selectPlatform(), ago(30_000));
    await sweep(ago(60_000));
    watch.confirm();
    watch.lookAgain();
    await sweep(instantOf(systemClock.now()));
    expect(kinds(of(child.pid))).toEqual(["process", "process"]);
  });

  test.each([
    ["the agent still watched", 0],
    ["nobody knows whether the agent watched", undefined],
  ])("is not what was started when %s", async (_, absent) => {
    const child = await running();
    const { sweep, watch, of } = watching(await selectPlatform(), absent === undefined ? absent : ago(absent));
    watch.confirm();
    await sweep(ago(60_000));
    await sweep(ago(60_000));
    expect(kinds(of(child.pid))).toEqual(["process"]);
  });

  test("is what a process is that has become another program since, without asking for more", async () => {
    const home = folder();
    const program = nativeTool(join(home, "tool"));
    const child = await start("/bin/sh", ["-c", `read line; exec ${program} 1000`], { stdin: "pipe" });
    await moment();
    const { sweep, watch, of } = watching(await selectPlatform(), ago(30_000));
    await sweep(ago(60_000));
    child.stdin?.write("go\n");
    const platform = await selectPlatform();
    await expect.poll(async () => (await platform.inspect(child.pid ?? 0))?.program.path).toBe(program);
    await sweep(ago(60_000));
    watch.confirm();
    await sweep(ago(60_000));
    expect(kinds(of(child.pid))).toEqual(["process", "exec"]);
  });
});

test("what starts between the agent's start and its first look is an exec", async () => {
  const { sweep, of } = watching(await selectPlatform());
  await moment();
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  await sweep();
  expect(of(child.pid).map((e) => e.kind)).toEqual(["exec"]);
});

test("what started before the policy came into force is running, not an exec", async () => {
  const { sweep, of } = watching(await selectPlatform());
  await sweep();
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  await sweep(instantOf(systemClock.now() + 60_000));
  expect(of(child.pid).map((e) => e.kind)).toEqual(["process"]);
});

test("a process that becomes another program is given again, as an exec", async () => {
  const { sweep, of } = watching(await selectPlatform());
  const home = folder();
  const program = nativeTool(join(home, "tool"));
  copyFileSync("/bin/sleep", join(home, "sleep"));
  await sweep();
  const child = await start("/bin/sh", ["-c", `read line; exec ${program} 1000`], { stdin: "pipe" });
  await sweep();
  child.stdin?.write("go\n");
  const platform = await selectPlatform();
  await expect.poll(async () => (await platform.inspect(child.pid ?? 0))?.program.path).toBe(program);
  await sweep();
  expect(of(child.pid).map((e) => [e.kind, "value" in e.seen.marker])).toEqual([
    ["exec", false],
    ["exec", true],
  ]);
});

test("everything is given again after a change of policy, and then as running", async () => {
  const { sweep, of, watch } = watching(await selectPlatform());
  await sweep();
  const child = await start(process.execPath, [npmTool(folder(), "@example/tool").script]);
  await sweep();
  watch.lookAgain();
  await sweep();
  expect(of(child.pid).map((e) => e.kind)).toEqual(["exec", "process"]);
});

test("processes that vanish or may not be looked at harm nobody, and are counted", async () => {
  const platform = new FakePlatform().add({ pid: 7 }, { pid: 8 }, { pid: 9 });
  const inspect = platform.inspect.bind(platform);
  platform.inspect = (pid) => {
    if (pid === 7) return Promise.resolve(undefined);
    if (pid === 8) return Promise.reject(new PlatformError("denied", "not permitted to look at process 8"));
    return inspect(pid);
  };
  const { sweep, given } = watching(platform);
  expect(await sweep()).toEqual({
    processes: 3,
    inspected: 3,
    unreadable: 1,
    why: "not permitted to look at process 8",
  });
  expect(given.map((e) => e.process?.pid)).toEqual([9]);
  expect(given[0]?.seen.marker).toMatchObject({ unread: expect.any(String) }); // no such process in reality
  expect(await sweep()).toMatchObject({ inspected: 0, unreadable: 1 });
});

test("only what is new or changed is inspected", async () => {
  const platform = new FakePlatform().add({ pid: 7 });
  const { sweep, given } = watching(platform);
  expect(await sweep()).toMatchObject({ inspected: 1 });
  expect(await sweep()).toMatchObject({ inspected: 0 });
  platform.add({ pid: 7, argv: ["title"] }, { pid: 8 });
  expect(await sweep()).toMatchObject({ inspected: 2 });
  expect(given.map((e) => e.process?.pid)).toEqual([7, 8]); // another title is not another process
});
