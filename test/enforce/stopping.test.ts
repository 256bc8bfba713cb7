import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { Enforcement } from "#enforce/execute.ts";
import { stopTree, type Stopped } from "#enforce/stop.ts";
import { systemClock } from "#lib/clock.ts";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome, ProcessId } from "#policy/outcome.ts";
import { lacking } from "../needs.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

// Real processes: perl is on every Debian, and neither a shell nor our own runtime, which no ban may stop.
const started: ChildProcess[] = [];
const strays: number[] = [];

afterEach(() => {
  for (const { pid } of started.splice(0)) {
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL"); // its whole group
    } catch {} // nobody is left
  }
  for (const pid of strays.splice(0)) if (alive(pid)) process.kill(pid, "SIGKILL");
});

/** Nobody may be there to reap it: a zombie has ended. */
const alive = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

interface Tool {
  readonly child: ChildProcess;
  readonly pid: number;
  line(): Promise<string>;
}

/** Starts a perl program in a session of its own, under another program where one is named; each line that it prints is one promise, in order. */
function perl(code: string, under: readonly string[] = []): Tool {
  const [program, ...args] = [...under, "/usr/bin/perl", "-e", `$| = 1; ${code}`];
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  started.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    pid: child.pid ?? 0,
    line: async () => {
      const { value } = await lines.next();
      return String(value);
    },
  };
}

/** The same as process 1 of a pid namespace, as a container's only program is; once it has said its first line. */
async function first(platform: Platform, code: string): Promise<Tool> {
  const holder = perl(`${code} sleep 100 while 1`, [
    "/usr/bin/unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
  ]);
  expect(await holder.line()).toBe("1");
  const [member] = await platform.tree(holder.pid);
  if (member === undefined) throw new Error("it is not there");
  return { ...holder, pid: member.id.pid };
}

async function idOf(platform: Platform, pid: number): Promise<ProcessId> {
  const seen = await platform.inspect(pid);
  if (seen === undefined) throw new Error(`${pid} is not there`);
  return { pid, start: seen.process.start, dev: seen.program.dev, ino: seen.program.ino };
}

async function stop(platform: Platform, id: ProcessId, term = 200): Promise<Stopped> {
  return await stopTree(platform, id, { term, kill: 5_000 }, new AbortController().signal);
}

const sorted = (pids: readonly number[] | undefined): readonly number[] => [...(pids ?? [])].toSorted((a, b) => a - b);

test("a tool ends with its children and their children", async () => {
  const platform = await selectPlatform();
  const tool = perl(
    'my $c = fork // die; if (!$c) { my $g = fork // die; if (!$g) { sleep 100 } print "$$ $g\\n"; sleep 100 } sleep 100',
  );
  const family = (await tool.line()).split(" ").map(Number);
  const result = await stop(platform, await idOf(platform, tool.pid));
  expect(result).toMatchObject({ did: "stopped", left: [] });
  expect("ended" in result ? sorted(result.ended) : []).toEqual(sorted([tool.pid, ...family]));
  expect(family.filter(alive)).toEqual([]);
});

test("a tool that ignores SIGTERM, with children that do too, ends all the same", async () => {
  const platform = await selectPlatform();
  const tool = perl(
    '$SIG{TERM} = $SIG{HUP} = "IGNORE"; my $c = fork // die; if (!$c) { sleep 100 } print "$c\\n"; sleep 100',
  );
  const child = Number(await tool.line());
  expect(await stop(platform, await idOf(platform, tool.pid))).toMatchObject({
    did: "stopped",
    ended: [tool.pid, child],
  });
  expect(alive(child)).toBe(false);
});

/** Milliseconds: longer than a test may take. Who waits for this waits in vain. */
const forEver = 600_000;

describe.skipIf(lacking("root"))("the first process of a container", () => {
  test("that has no handler for SIGTERM, and so does not hear it, is ended without waiting, with all that is in it", async () => {
    const platform = await selectPlatform();
    const tool = await first(platform, 'print "$$\\n"; my $c = fork // die; if (!$c) { print "up\\n" }');
    expect(await tool.line()).toBe("up");
    const [child] = await platform.tree(tool.pid);
    expect(await stop(platform, await idOf(platform, tool.pid), forEver)).toEqual({
      did: "stopped",
      ended: [tool.pid, child?.id.pid],
      left: [],
    });
    expect([tool.pid, child?.id.pid ?? 0].filter(alive)).toEqual([]);
  });

  test.each([
    ["has a handler for SIGTERM", '$SIG{TERM} = sub { print "heard\\n"; exit };'],
    [
      "blocks SIGTERM and takes it when it likes",
      "use POSIX; my $term = POSIX::SigSet->new(SIGTERM); sigprocmask(SIG_BLOCK, $term);" +
        '$late = sub { my $p = POSIX::SigSet->new; sigpending($p); if ($p->ismember(SIGTERM)) { print "heard\\n"; exit } };',
    ],
  ])("that %s is asked to end", async (_, prepare) => {
    const platform = await selectPlatform();
    const waits = "while ($late) { $late->(); select undef, undef, undef, 0.01 }";
    const tool = await first(platform, `${prepare} print "$$\\n"; ${waits}`);
    const stopped = stop(platform, await idOf(platform, tool.pid), forEver);
    expect(await tool.line()).toBe("heard");
    expect(await stopped).toEqual({ did: "stopped", ended: [tool.pid], left: [] });
  });
});

test("a child that made a session of its own is let alone, and said so", async () => {
  const platform = await selectPlatform();
  const tool = perl('use POSIX; my $c = fork // die; if (!$c) { POSIX::setsid(); print "$$\\n"; sleep 100 } sleep 100');
  const child = Number(await tool.line());
  strays.push(child);
  expect(await stop(platform, await idOf(platform, tool.pid))).toEqual({
    did: "stopped",
    ended: [tool.pid],
    left: [child],
  });
  expect(alive(child)).toBe(true);
});

test("a shell that a tool started is vital and let alone, what runs in it is not", async () => {
  const platform = await selectPlatform();
  const shell = String.raw`echo $$; perl -e '$| = 1; print "$$\n"; sleep 100' & wait; echo done; exec sleep 100`;
  const tool = perl(`my $c = fork // die; if (!$c) { exec "/bin/sh", "-c", q{${shell}} } sleep 100`);
  const [sh, sleep] = [Number(await tool.line()), Number(await tool.line())];
  strays.push(sh);
  expect(await stop(platform, await idOf(platform, tool.pid))).toEqual({
    did: "stopped",
    ended: [tool.pid, sleep],
    left: [sh],
  });
  expect(await tool.line()).toBe("done");
});

test("a tool that forks and forks is ended to the last child", async () => {
  const platform = await selectPlatform();
  const tool = perl(
    '$SIG{TERM} = "IGNORE"; print "go\\n"; for (1..300) { my $c = fork // last; if (!$c) { sleep 100; exit } select undef, undef, undef, 0.001 } sleep 100',
  );
  await tool.line();
  const result = await stop(platform, await idOf(platform, tool.pid), 50);
  expect(result.did).toBe("stopped");
  const ended = "ended" in result ? result.ended : [];
  expect(ended.length).toBeGreaterThan(1);
  const sessions = (await platform.processes()).filter((row) => row.cmd.includes("for (1..300)"));
  expect(sessions).toEqual([]);
});

test("a process that ended before is nobody", async () => {
  const platform = await selectPlatform();
  const tool = perl('print "up\\n"; sleep 100');
  await tool.line();
  const id = await idOf(platform, tool.pid);
  const closed = new Promise((resolve) => tool.child.once("close", resolve));
  tool.child.kill("SIGKILL");
  await closed;
  expect(await stop(platform, id)).toEqual({ did: "gone" });
});

test("a process that became another program by exec is spared, though its pid and start are the same", async () => {
  const platform = await selectPlatform();
  const tool = perl('print "up\\n"; <STDIN>; exec "/bin/sh", "-c", "echo changed; read x; echo lives"');
  await tool.line();
  const id = await idOf(platform, tool.pid);
  tool.child.stdin?.write("now\n");
  expect(await tool.line()).toBe("changed");
  expect(await stop(platform, id)).toEqual({ did: "spared" });
  tool.child.stdin?.write("go on\n");
  expect(await tool.line()).toBe("lives");
});

async function judge(platform: Platform, pid: number): Promise<Outcome> {
  const seen = await platform.inspect(pid);
  if (seen === undefined) throw new Error(`${pid} is not there`);
  const evidence: Evidence = evidenceOf("exec", { file: seen.program, process: seen.process });
  const enforcement = new Enforcement({
    platform,
    clock: systemClock,
    quarantine: "/nonexistent",
    times: { term: 500 },
  });
  const id = await idOf(platform, pid);
  enforcement.start([{ do: "stop", process: id, grace: 0 }], verdictOf(), evidence);
  for await (const outcome of enforcement.outcomes(new AbortController().signal)) return outcome;
  throw new Error("no outcome");
}

test.each([
  ["its shell still sits there", "/bin/sh", ["-c", "perl -e '$| = 1; print \"pid $$\\n\"; sleep 100'; sleep 100"]],
  ["nobody is left there", "/usr/bin/perl", ["-e", '$| = 1; print "pid $$\\n"; sleep 100']],
])("what is said after a stop is read on the terminal where %s", async (_who, program, args) => {
  const platform = await selectPlatform();
  const screen = { text: "", changed: Promise.withResolvers<undefined>() };
  const shows = async (text: string): Promise<void> => {
    while (!screen.text.includes(text)) await screen.changed.promise;
  };
  const run = platform.runInTerminal(program, args, {
    onOutput: (text) => {
      screen.text += text;
      screen.changed.resolve(undefined);
      screen.changed = Promise.withResolvers();
    },
  });
  await shows("\n");
  const outcome = await judge(platform, Number(/pid (\d+)/.exec(screen.text)?.[1]));
  expect(outcome.did).toBe("stopped");
  if (outcome.evidence.process === undefined) throw new Error("no process");
  expect(platform.writeTerminal(outcome.evidence.process, "\nwhy it was stopped\n")).toBe("written");
  await shows("why it was stopped");
  run.stop();
});
