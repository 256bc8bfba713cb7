import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { systemClock } from "#lib/clock.ts";
import { atEverybodysPace } from "#platform/priority.ts";
import { startEstate } from "./estate.ts";
import { cpuSeconds, ship } from "./shipped.ts";
import { quantile, type Bench, type Row } from "./table.ts";

const marker = "edict-bench-stand-in-of-the-exec-stream";
/** Bans nothing on anybody's machine but a stand-in of ours. Nobody stops itself here, however often it is hit. */
const policy = {
  formatVersion: 1,
  name: "bench",
  limits: { notifyPerDay: 1, breaker: { programs: 100_000, window: "PT1M" } },
  bans: [
    {
      id: "stand-in",
      tool: "stand-in",
      reason: "It is a stand-in.",
      owner: "security@example.com",
      stages: [{ from: "2026-01-01T00:00:00Z", mode: "block" }],
    },
  ],
  tools: [{ id: "stand-in", name: "Stand-in", identities: [{ kind: "marker", bytes: marker }] }],
};
const rounds = 300;
const execs = 4_000;

/** Milliseconds from the end of the stand-in's execve(2), when `spawn` returns, until it is gone. */
async function killed(program: string): Promise<number> {
  const child = atEverybodysPace(() => spawn(program, ["60"], { stdio: "ignore" }));
  const began = performance.now();
  await once(child, "exit");
  const took = performance.now() - began;
  if (child.signalCode === null) throw new Error("the stand-in was not stopped");
  return took;
}

/** Sets the priority of each of our threads (setpriority(2)). */
function pace(priority: number): void {
  for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), priority);
}

/** We go before everybody meanwhile: else it is our own turn that is waited for, and timed. */
async function kills(program: string, many: number): Promise<Float64Array> {
  const times: number[] = [];
  pace(-20);
  try {
    for (let i = 0; i < many; i += 1) {
      times.push(await killed(program));
      await after(20);
    }
  } finally {
    pace(0);
  }
  return Float64Array.from(times);
}

/** While something computes on every core. */
async function busy<T>(work: () => Promise<T>): Promise<T> {
  const burners: ChildProcess[] = cpus().map(() =>
    spawn("/bin/sh", ["-c", "while :; do :; done"], { stdio: "ignore" }),
  );
  try {
    return await work();
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
  }
}

/** CPU microseconds of the agent for each of many starts of a command, one after the other; ticks of 10 ms, so many are needed. */
async function each(agent: number, command: string): Promise<number> {
  const loop = async (times: number): Promise<void> => {
    const shell = spawn("/bin/sh", ["-c", `i=0; while [ $i -lt ${times} ]; do ${command}; i=$((i+1)); done`]);
    await once(shell, "exit");
  };
  await loop(50);
  await after(500);
  const before = cpuSeconds(agent);
  await loop(execs);
  await after(500);
  return ((cpuSeconds(agent) - before) * 1e6) / execs;
}

function rowsOf(name: string, times: Float64Array): readonly Row[] {
  return [
    { name: `${name}, p50 of ${times.length}`, value: quantile(times, 0.5), unit: "ms", bound: 5 },
    { name: `${name}, p99`, value: quantile(times, 0.99), unit: "ms", bound: 50 },
  ];
}

export const bench: Bench = {
  title: "the exec stream, through the shipped agent, its sweeps an hour apart and its gate off",
  run: async () => {
    const shipped = await ship();
    const folder = mkdtempSync(join(tmpdir(), "edict-bench-stream-"));
    try {
      const program = join(folder, "stand-in");
      copyFileSync("/bin/sleep", program);
      writeFileSync(program, `\0${marker}\0`, { flag: "a" });
      const estate = await startEstate(Buffer.from(JSON.stringify(policy)), systemClock);
      try {
        const agent = await shipped.start(estate, { sweepSeconds: 3600, gate: "off", roots: [] });
        try {
          await after(3_000); // it is at rest
          await kills(program, 20);
          return [
            ...rowsOf("a start to its end, idle", await kills(program, rounds)),
            ...rowsOf("a start to its end, every core busy", await busy(() => kills(program, rounds))),
            {
              name: "the agent's CPU for a start of a known program",
              value: await each(agent.pid, "/bin/true"),
              unit: "µs",
            },
            {
              name: "the agent's CPU for a start of `sh -c`",
              value: await each(agent.pid, "/bin/sh -c :"),
              unit: "µs",
            },
          ];
        } finally {
          await agent.stop();
        }
      } finally {
        await estate.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
      shipped.remove();
    }
  },
};
