import { copyFileSync, linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { observe, type InForce, type Place } from "#observe/observe.ts";
import type { ExecSeen, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import { FakePlatform } from "../fakes/platform.ts";
import { folder, nativeTool, npmTool, start, wanting, write } from "./place.ts";

const real = await selectPlatform();
const { stream } = real.capabilities;
if (!stream.up) console.warn(`skipped: no exec stream here: ${stream.why}`);

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

/** What a policy that bans one package, one name and what carries the marker would ask for. */
const bansTool = (seen: Seen): boolean =>
  "value" in seen.marker ||
  ("value" in seen.package && seen.package.value.some(({ id }) => id === "@example/tool")) ||
  ("value" in seen.name && seen.name.value.includes("banned-name"));

/** The machine as observe sees it, with how often a process was read closely; sweeps only when asked for. */
async function watching(machine: Platform = real, matters: (seen: Seen) => boolean = bansTool) {
  const inspected: number[] = [];
  const platform: Platform = Object.assign(Object.create(machine) as Platform, {
    installRoots: () => [],
    execs: (...asked: Parameters<Platform["execs"]>) => machine.execs(...asked),
    inspect: (pid: number) => {
      inspected.push(pid);
      return machine.inspect(pid);
    },
  });
  const stop = new AbortController();
  stops.push(stop);
  const policy: { -readonly [K in keyof InForce]: InForce[K] } = {
    wanted: wanting(),
    activatedAt: instantOf(0),
    matters,
  };
  const places: Place[] = [];
  const onPlace = (place: Place) => void places.push(place);
  const watch = observe(
    platform,
    () => ({ ...policy }),
    { sweepSeconds: 3600, clock: systemClock, onPlace },
    stop.signal,
  );
  const given: Evidence[] = [];
  void (async () => {
    for await (const evidence of watch.evidence) given.push(evidence);
  })();
  await expect.poll(() => watch.health().sweeps).toBe(1);
  const swept = async (): Promise<void> => {
    const { sweeps } = watch.health();
    watch.lookAgain();
    await expect.poll(() => watch.health().sweeps).toBeGreaterThan(sweeps);
  };
  const of = (pid?: number) => given.filter((e) => e.process?.pid === pid);
  /** Passes when everything that has begun by now was judged. */
  const judged = async (): Promise<void> => {
    const last = await start(nativeTool(join(folder(), "tool")), ["1000"]);
    await expect.poll(() => of(last.pid).length).toBe(1);
  };
  return {
    watch,
    judged,
    given,
    of,
    policy,
    places,
    swept,
    closely: (pid?: number) => inspected.filter((p) => p === pid).length,
  };
}

describe.skipIf(!stream.up)("a program that begins", () => {
  test("is given as an exec at once, and not again by a sweep", async () => {
    const { of, swept, watch } = await watching();
    const child = await start(nativeTool(join(folder(), "tool")), ["1000"]);
    await expect.poll(() => of(child.pid).map((e) => e.kind)).toEqual(["exec"]);
    expect(watch.health().sweeps).toBe(1);
    await swept();
    expect(of(child.pid).map((e) => e.kind)).toEqual(["exec", "process"]); // asked for again: as running
  });

  test("and ends soon is given, too", async () => {
    const { given } = await watching();
    const tool = nativeTool(join(folder(), "tool"));
    await start(tool, ["0.1"]);
    await expect.poll(() => given.find((e) => e.file?.path === tool)?.kind).toBe("exec");
  });

  test("is looked at closely once, where it shows nothing that a policy asks for", async () => {
    const { closely, judged, watch } = await watching();
    const program = join(folder(), "innocent");
    copyFileSync("/bin/sleep", program);
    const first = await start(program, ["1000"]);
    await expect.poll(() => closely(first.pid)).toBe(1);
    const children = [await start(program, ["1000"]), await start(program, ["999"])];
    await judged();
    expect(children.map(({ pid }) => closely(pid))).toEqual([0, 0]);
    expect(watch.health().execs?.told).toBeGreaterThanOrEqual(4);
  });

  test.each<[string, (home: string, innocent: string) => { program: string; argv0?: string; args?: string[] }]>([
    [
      "is renamed to a name that is asked for",
      (home, innocent) => {
        renameSync(innocent, join(home, "banned-name"));
        return { program: join(home, "banned-name") };
      },
    ],
    [
      "gets such a name besides",
      (home, innocent) => {
        linkSync(innocent, join(home, "banned-name"));
        return { program: join(home, "banned-name") };
      },
    ],
    ["is called so", (_home, innocent) => ({ program: innocent, argv0: "banned-name" })],
    [
      "is written to",
      (_home, innocent) => {
        writeFileSync(innocent, "\0com.example.banned-tool\0", { flag: "a" });
        return { program: innocent };
      },
    ],
    [
      "is replaced by another",
      (home, innocent) => {
        renameSync(nativeTool(join(home, "new")), innocent);
        return { program: innocent };
      },
    ],
  ])("was innocent, and is given when it %s", async (_, change) => {
    const { closely, of } = await watching();
    const home = folder();
    const innocent = join(home, "innocent");
    copyFileSync("/bin/sleep", innocent);
    const before = await start(innocent, ["1000"]);
    await expect.poll(() => closely(before.pid)).toBe(1);
    before.kill("SIGKILL"); // nobody writes to a program that runs
    await once(before, "exit");
    const { program, argv0 } = change(home, innocent);
    const child = await start(program, ["1000"], argv0 === undefined ? {} : { argv0 });
    await expect.poll(() => of(child.pid).length).toBe(1);
  });

  test("and runs a script is looked at closely once for each state of the script, and when its package becomes another", async () => {
    const { closely, judged, of } = await watching();
    const home = folder();
    const { script, root } = npmTool(home, "other");
    mkdirSync(join(home, "bin"));
    symlinkSync(script, join(home, "bin/run"));
    const run = () => start(process.execPath, [join(home, "bin/run")]);
    const first = await run();
    await expect.poll(() => closely(first.pid)).toBe(1);
    const second = await run();
    await judged();
    // The same manifest, renamed folder: now it is the package that is asked for.
    mkdirSync(join(home, "lib/node_modules/@example"));
    renameSync(root, join(home, "lib/node_modules/@example/tool"));
    const moved = join(home, "lib/node_modules/@example/tool/cli.js");
    const third = await start(process.execPath, [moved]);
    await expect.poll(() => closely(third.pid)).toBe(1);
    expect(of(third.pid)).toEqual([]);
    expect(closely(second.pid)).toBe(0);
    write(join(home, "lib/node_modules/@example/tool/package.json"), '{"name":"@example/tool","version":"1.0.0"}');
    const fourth = await start(process.execPath, [moved]);
    await expect
      .poll(() => of(fourth.pid).map((e) => e.seen.package))
      .toMatchObject([{ value: [{ id: "@example/tool" }] }]);
  });

  test("whose script a link leads elsewhere by now is what the link leads to", async () => {
    const { closely, of } = await watching();
    const home = folder();
    const link = join(home, "run");
    symlinkSync(npmTool(home, "other").script, link);
    const first = await start(process.execPath, [link]);
    await expect.poll(() => closely(first.pid)).toBe(1);
    symlinkSync(npmTool(home, "@example/tool").script, `${link}.new`);
    renameSync(`${link}.new`, link);
    const second = await start(process.execPath, ["run"], { cwd: home });
    await expect.poll(() => of(second.pid).length).toBe(1);
  });

  test("and wipes its arguments later is known by those that it began with, under the next policy too", async () => {
    const { closely, of, policy, swept } = await watching(real, () => false);
    const { script } = npmTool(folder(), "@example/tool");
    writeFileSync(script, "process.title = 'x'; setInterval(() => {}, 1000);\n");
    const child = await start(process.execPath, [script]);
    await expect.poll(() => closely(child.pid)).toBe(1);
    const title = async () => (await real.processes()).find(({ pid }) => pid === child.pid)?.cmd;
    await expect.poll(title).toBe("x");
    policy.matters = bansTool;
    await swept();
    await expect.poll(() => of(child.pid).at(-1)?.script?.path).toBe(script);
  });

  test("under another policy is looked at anew", async () => {
    const { closely, of, policy } = await watching(real, () => false);
    const tool = nativeTool(join(folder(), "tool"));
    const first = await start(tool, ["1000"]);
    await expect.poll(() => closely(first.pid)).toBe(1);
    policy.matters = bansTool;
    const second = await start(tool, ["1000"]);
    await expect.poll(() => of(second.pid).length).toBe(1);
  });

  test("is given when many of it begin before the first was read", async () => {
    const { given, watch } = await watching();
    const tool = nativeTool(join(folder(), "tool"));
    const children = await Promise.all(Array.from({ length: 60 }, () => start(tool, ["1000"])));
    const pids = () => new Set(given.flatMap((e) => (e.file?.path === tool ? [e.process?.pid] : [])));
    await expect.poll(pids).toEqual(new Set(children.map(({ pid }) => pid)));
    expect(watch.health().sweeps).toBe(1);
  });

  test("in a mount namespace that was not seen before is told of with its place", async () => {
    const { places } = await watching();
    const child = await start("/bin/sleep", ["1000"]);
    await expect.poll(() => places.some(({ ours }) => ours)).toBe(true);
    expect(places.filter(({ pid }) => pid === child.pid).length).toBeLessThanOrEqual(1);
    expect(new Set(places.map(({ mounts, dev }) => `${mounts} ${dev}`)).size).toBe(places.length);
  });
});

const seenOf = (pid: number): ExecSeen => ({
  pid,
  path: `/usr/bin/program${pid}`,
  stamp: "8:1 1 1 1 1",
  dev: "8:1",
  argvBytes: [],
  mounts: "mnt:[1]",
  sameMounts: true,
});

test("what was gone before it could be read is counted", async () => {
  const machine = new FakePlatform();
  const { watch } = await watching(machine);
  machine.tell?.({ seen: [seenOf(4_000_001)], known: 0, vanished: 2, lost: false });
  await expect.poll(() => watch.health().execs).toEqual({ told: 3, vanished: 3, lost: 0, broken: undefined });
});

test("when some starts were lost a sweep looks at everything, and it is counted", async () => {
  const machine = new FakePlatform();
  const { watch, of } = await watching(machine);
  machine.add({ pid: 4_000_002, path: "/opt/banned-name" });
  machine.tell?.({ seen: [], known: 0, vanished: 0, lost: true });
  await expect.poll(() => of(4_000_002).map((e) => e.kind)).toEqual(["exec"]);
  expect(watch.health()).toMatchObject({ sweeps: 2, execs: { lost: 1 } });
});

test("sweeps are rarer beside a stream, and as often as without one when it breaks", async () => {
  const stop = new AbortController();
  stops.push(stop);
  const machine = new FakePlatform();
  const policy = { wanted: wanting(), activatedAt: instantOf(0) };
  const watch = observe(machine, () => policy, { clock: systemClock }, stop.signal);
  expect(watch.health().sweepSeconds).toBe(10);
  machine.brokenStream = "recvfrom: EIO";
  expect(watch.health()).toMatchObject({ sweepSeconds: 5, execs: { broken: "recvfrom: EIO" } });
});

test("a process that somebody asks to look at is given, once, also where there is no stream", async () => {
  const machine = new FakePlatform();
  machine.capabilities = { ...machine.capabilities, stream: { up: false, why: "a container" } };
  const { watch, of, swept } = await watching(machine, () => true);
  expect(watch.health().execs).toBeUndefined();
  machine.add({ pid: 4_000_003 });
  watch.lookAt(4_000_003);
  await expect.poll(() => of(4_000_003).map((e) => e.kind)).toEqual(["exec"]);
  watch.lookAt(4_000_003);
  await swept();
  expect(of(4_000_003).map((e) => e.kind)).toEqual(["exec", "process"]);
});
