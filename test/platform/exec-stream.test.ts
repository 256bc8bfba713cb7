import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, linkSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ExecArguments } from "#platform/linux/exec-arguments.ts";
import { openExecStream, tryExecEvents } from "#platform/linux/exec-stream.ts";
import type { ExecBatch, ExecStream, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";

/** Only where the kernel tells: root before Linux 6.6, everybody since; never in a container. */
const { capabilities } = await selectPlatform();
if (!capabilities.stream.up) console.warn(`skipped: no exec stream here: ${capabilities.stream.why}`);

const open: ExecStream[] = [];
const started: ChildProcess[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** What a stream tells, as it comes. */
function listen(begin: (told: (batch: ExecBatch) => void) => ExecStream | undefined) {
  const batches: ExecBatch[] = [];
  const stream = begin((batch) => void batches.push(batch));
  if (stream === undefined) throw new Error("no stream");
  open.push(stream);
  const seen = () => batches.flatMap((batch) => batch.seen);
  const total = () => batches.reduce((sum, batch) => sum + batch.seen.length + batch.vanished, 0);
  return { stream, seen, total, lost: () => batches.some((batch) => batch.lost) };
}

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function copy(folder: string, folderMode: number, mode: number): string {
  const file = join(folder, "program");
  copyFileSync("/bin/sleep", file);
  chmodSync(file, mode);
  chmodSync(folder, folderMode);
  return file;
}
function owned(file: string): string {
  chownSync(file, 4711, 4711);
  return file;
}
function linked(file: string): string {
  linkSync(file, `${file}-too`);
  return file;
}

/** Programs that run to their end, one after the other, and the glimpse of each; those of the machine's others are left out. */
async function glancing() {
  const remembered = new Set<string | undefined>();
  const [glimpses, counted]: [(string | undefined)[], number[]] = [[], []];
  const seen = new Map<number, string | undefined>();
  const stream = openExecStream({
    told: (batch) => {
      for (const { pid, glimpse } of batch.seen) seen.set(pid, glimpse?.());
      counted.push(batch.known);
    },
    isKnown: (glimpse) => remembered.has(glimpse),
    kept: new ExecArguments(),
  });
  open.push(stream);
  return {
    glimpses,
    known: () => counted.reduce((sum, one) => sum + one, 0),
    remember: (glimpse: string | undefined) => void remembered.add(glimpse),
    run: async (program: string, args: readonly string[], argv0 = program) => {
      const child = spawn(program, args, { stdio: "ignore", argv0 });
      started.push(child);
      const known = remembered.size > 0;
      await once(child, "exit");
      if (known) return;
      const pid = child.pid ?? 0;
      await expect.poll(() => seen.has(pid)).toBe(true);
      glimpses.push(seen.get(pid));
    },
  };
}

const listenTo = (platform: Platform) => listen((told) => platform.execs(told));

function start(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  return child;
}

describe.skipIf(!capabilities.stream.up)("the exec stream", () => {
  test("tells of every one of 2,000 programs that begin one after the other", async () => {
    const { total, lost } = listenTo(await selectPlatform());
    const many = 2_000;
    const shell = start("/bin/sh", ["-c", `i=0; while [ $i -lt ${many} ]; do /bin/true; i=$((i+1)); done`]);
    await once(shell, "exit");
    await expect.poll(total).toBeGreaterThan(many); // and the shell itself
    expect(lost()).toBe(false);
  });

  test("reads those that follow one another together, where somebody else has asked about them", async () => {
    let batches = 0;
    let told = 0;
    const stream = openExecStream({
      told: ({ seen, known, vanished }) => {
        batches += 1;
        told += seen.length + known + vanished;
      },
      mayGather: () => true,
      kept: new ExecArguments(),
    });
    open.push(stream);
    const shell = start("/bin/sh", ["-c", "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done"]);
    await once(shell, "exit");
    await expect.poll(() => told).toBeGreaterThan(500);
    expect(batches).toBeLessThan(told / 4);
  });

  test("tells what a program is, with the arguments it was started with", async () => {
    const { seen } = listenTo(await selectPlatform());
    const child = start("/bin/sleep", ["1000.125"]);
    await expect.poll(() => seen().some(({ pid }) => pid === child.pid)).toBe(true);
    const one = seen().find(({ pid }) => pid === child.pid);
    expect(one).toMatchObject({ path: expect.stringMatching(/\/bin\/sleep$/) as string, sameMounts: true });
    expect(one?.argvBytes.map(String)).toEqual(["/bin/sleep", "1000.125"]);
  });

  test("tells of a process that becomes another program as of another start", async () => {
    const { seen } = listenTo(await selectPlatform());
    const child = start("/bin/sh", ["-c", "read line; exec /bin/sleep 1000"]);
    child.stdin.write("go\n");
    const paths = () =>
      seen()
        .filter(({ pid }) => pid === child.pid)
        .map(({ path }) => path.split("/").at(-1));
    await expect.poll(() => paths().length).toBe(2);
    expect(paths()[1]).toBe("sleep");
  });

  test("says that some were lost when there was no room for them, and goes on", async () => {
    const { lost, seen } = listen((told) => openExecStream({ told, kept: new ExecArguments(), room: 1 }));
    const shell = start("/bin/sh", ["-c", "for i in $(seq 400); do /bin/true & done; wait"]);
    // Nobody takes what comes while we do not let go of the thread.
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    await expect.poll(lost).toBe(true);
    if (shell.exitCode === null) await once(shell, "exit");
    const child = start("/bin/sleep", ["1000"]);
    await expect.poll(() => seen().some(({ pid }) => pid === child.pid)).toBe(true);
  });

  test("what a process writes over its arguments later does not hide what it was started with", async () => {
    const platform = await selectPlatform();
    const { seen, stream } = listenTo(platform);
    const script = `process.stdin.once("data", () => { process.title = "x"; console.log("wiped"); }); console.log("ready")`;
    const [one, two] = [0, 1].map(() => start(process.execPath, ["-e", script]));
    if (one?.pid === undefined || two?.pid === undefined) throw new Error("it did not start");
    await expect.poll(() => [one, two].every((child) => seen().some(({ pid }) => pid === child.pid))).toBe(true);
    for (const exec of seen()) if (exec.pid === one.pid) stream.keepArguments(exec);
    for (const child of [one, two]) {
      child.stdin.write("go\n");
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await expect.poll(() => said).toContain("wiped");
    }
    await platform.processes(); // what is kept of the living stays
    expect((await platform.inspect(one.pid))?.process.argv).toEqual([process.execPath, "-e", script]);
    expect((await platform.inspect(two.pid))?.process.argv).toEqual(["x"]); // nobody kept it
  });

  test("the arguments that were kept are not those of the program that the process becomes", async () => {
    const platform = await selectPlatform();
    const { seen, stream } = listenTo(platform);
    const child = start("/bin/sh", ["-c", 'echo ready; read line; exec /bin/sh -c "echo again; read line"']);
    await once(child.stdout, "data");
    for (const exec of seen()) if (exec.pid === child.pid) stream.keepArguments(exec);
    child.stdin.write("go\n");
    await once(child.stdout, "data");
    expect((await platform.inspect(child.pid ?? 0))?.process.argv?.[2]).toBe("echo again; read line");
  });

  test("gives a system's program a glimpse, which tells its names and code after -c from each other; a known one is only counted", async () => {
    const { glimpses, known, run, remember } = await glancing();
    await run("/bin/sleep", ["0.05"]);
    await run("/bin/sleep", ["0.06"]);
    await run("/bin/sleep", ["0.05"], "another-name");
    await run("/bin/sh", ["-c", "sleep 0.05"]);
    await run("/bin/sh", ["-c", "sleep 0.06"]);
    await run("/bin/sh", ["-ec", "sleep 0.05"]);
    const [one, same, named, code, other, script] = glimpses;
    expect([one === same, one === named, code === other, code === script]).toEqual([true, false, true, false]);
    remember(one);
    const before = known();
    await run("/bin/sleep", ["0.07"]);
    await expect.poll(known).toBe(before + 1);
    expect(glimpses.length).toBe(6);
  });

  test.each<[string, (folder: string) => string]>([
    ["lies where others may write", (folder) => copy(folder, 0o777, 0o755)],
    ["others may write", (folder) => copy(folder, 0o755, 0o757)],
    ["belongs to somebody", (folder) => owned(copy(folder, 0o755, 0o755))],
    ["has two names", (folder) => linked(copy(folder, 0o755, 0o755))],
  ])("gives none to a program that %s", async (_what, make) => {
    const { glimpses, run } = await glancing();
    const folder = mkdtempSync("/usr/lib/edict-glimpse-"); // below /tmp nothing is root's alone
    made.push(folder);
    await run(copy(folder, 0o755, 0o755), ["0.05"]);
    await run(make(folder), ["0.05"]);
    expect(glimpses.map((glimpse) => glimpse !== undefined)).toEqual([true, false]);
  });

  test("ends at once when it is closed", async () => {
    const script = `
      import { selectPlatform } from "#platform/select.ts";
      const stream = (await selectPlatform()).execs(() => undefined);
      setTimeout(() => { console.log("closing"); stream.close(); process.once("exit", () => console.log("end")); }, 50);`;
    const child = start(process.execPath, ["--input-type=module-typescript", "-e", script]);
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(said).toBe("closing\nend\n");
  });
});

test("asking whether there is a stream leaves nothing open", () => {
  const before = tryExecEvents();
  for (let i = 0; i < 2_000; i += 1) tryExecEvents(); // more than a process may have open
  expect(tryExecEvents()).toEqual(before);
});
