import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { Inventory } from "#observe/inventory.ts";
import { observe, type Watching } from "#observe/observe.ts";
import type { InstallRoot, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Evidence } from "#policy/evidence.ts";
import { folder, identifier, nativeTool, needle, npmTool, start, wanting, write } from "./place.ts";

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

/** The real platform, with install roots of the test's own. */
async function machine(roots: readonly InstallRoot[] = []): Promise<Platform> {
  const platform = await selectPlatform();
  return Object.assign(Object.create(platform), { installRoots: () => roots, os: platform.os });
}

function watching(
  platform: Platform,
  options: { sweepSeconds?: number; dailyScan?: string; absentSince?: Instant; begin?: Promise<void> } = {},
) {
  const stop = new AbortController();
  stops.push(stop);
  const wanted = wanting();
  const policies = () => ({ wanted, activatedAt: instantOf(0) });
  const watch = observe(platform, policies, { sweepSeconds: 0.1, clock: systemClock, ...options }, stop.signal);
  const given: Evidence[] = [];
  const ended = (async () => {
    for await (const evidence of watch.evidence) given.push(evidence);
  })();
  return { watch, given, stop, ended };
}

async function swept(watch: Watching): Promise<void> {
  await expect.poll(() => watch.health().sweeps).toBeGreaterThan(0);
}

test("what starts is given within a sweep, as an exec with its marker", async () => {
  const { watch, given } = watching(await machine());
  await swept(watch);
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  await expect.poll(() => given.find((e) => e.process?.pid === child.pid)?.kind).toBe("exec");
  expect(given.find((e) => e.process?.pid === child.pid)?.seen.marker).toEqual({ value: [needle] });
  expect(await watch.inspect(child.pid ?? 0)).toMatchObject({ kind: "process", seen: { marker: { value: [needle] } } });
});

test("the first look waits for what it is told to, and for nothing once it is over", async () => {
  const begin = Promise.withResolvers<void>();
  const platform = await machine();
  let looks = 0;
  const counted = Object.assign(Object.create(platform) as Platform, {
    processes: (...asked: Parameters<Platform["processes"]>) => {
      looks += 1;
      return platform.processes(...asked);
    },
  });
  const { watch, stop, ended } = watching(counted, { begin: begin.promise });
  const never = watching(counted, { begin: new Promise(() => undefined) });
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  expect(await watch.inspect(child.pid ?? 0)).toMatchObject({ kind: "process" });
  expect(looks).toBe(0);
  begin.resolve();
  await swept(watch);
  expect(looks).toBeGreaterThan(0);
  stop.abort();
  never.stop.abort();
  await Promise.all([ended, never.ended]);
});

test("what was started while nobody watched is given again at once when its policy is known to stand", async () => {
  const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
  await new Promise((resolve) => setTimeout(resolve, 20)); // a start is known to 10 ms (proc(5))
  const { watch, given } = watching(await machine(), { sweepSeconds: 3600, absentSince: instantOf(0) });
  const kinds = () => given.filter((e) => e.process?.pid === child.pid).map((e) => e.kind);
  await swept(watch);
  await expect.poll(kinds).toEqual(["process"]);
  watch.confirm();
  await expect.poll(kinds).toEqual(["process", "exec"]);
});

test("what is installed is given once, at the first scan or when it appears, and again after a change of policy", async () => {
  const home = folder();
  npmTool(home, "early");
  const root: InstallRoot = { path: join(home, "lib/node_modules"), owner: 0, holds: "npm", depth: 3 };
  const { watch, given } = watching(await machine([root]));
  const installed = () =>
    given
      .filter((e) => e.kind === "installed")
      .map((e) => ("value" in e.seen.package ? (e.seen.package.value[0]?.id ?? "") : ""))
      .toSorted();
  await expect.poll(() => watch.health().installed.scanned?.found).toBe(1);
  npmTool(home, "late");
  await expect.poll(installed).toEqual(["early", "late"]);
  watch.lookAgain();
  await expect.poll(installed).toEqual(["early", "early", "late", "late"]);
});

test("of several things that one file lists each is given once, however often it is looked through", async () => {
  const home = folder();
  const addons = ["a@x", "b@x"].map((id) => ({ id, version: "1", type: "extension", location: "app-profile" }));
  write(join(home, "firefox/p/extensions.json"), JSON.stringify({ addons }));
  const given: Evidence[] = [];
  const stop = new AbortController();
  stops.push(stop);
  const inventory = new Inventory({
    platform: await machine([{ path: join(home, "firefox"), owner: 0, holds: "units", depth: 1 }]),
    clock: systemClock,
    identifier: () => identifier(),
    give: (evidence) => void given.push(evidence),
    signal: stop.signal,
  });
  await inventory.scan();
  await inventory.scan();
  expect(given.map((e) => "value" in e.seen.extension && e.seen.extension.value[0]?.id)).toEqual(["a@x", "b@x"]);
});

test("a sweep that fails is told, and the next one goes on", async () => {
  const platform = await machine();
  let broken = true;
  const real = platform.processes.bind(platform);
  platform.processes = () => (broken ? Promise.reject(new Error("no /proc")) : real());
  const { watch } = watching(platform);
  await expect.poll(() => watch.health().error).toBe("no /proc");
  broken = false;
  await expect.poll(() => watch.health().error).toBeUndefined();
});

test("watching ends when it is aborted, also in the middle of a pause", async () => {
  const { watch, stop, ended } = watching(await machine(), { sweepSeconds: 3600 });
  await swept(watch);
  stop.abort();
  await expect(ended).resolves.toBeUndefined();
});

test("a scan at a time that cron does not know is refused at once", async () => {
  const platform = await machine();
  expect(() => watching(platform, { dailyScan: "every day" })).toThrow('"every day" is not a cron expression');
});
