import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { systemClock } from "#lib/clock.ts";
import { startEstate } from "./estate.ts";
import { cpuSeconds, memory, ship, textOf, type Memory } from "./shipped.ts";
import { quantile, type Bench, type Row } from "./table.ts";

const root = join(import.meta.dirname, "../..");

/** What the agent is built from, loaded and idle: the least it could use. */
const libraries = [
  "chokidar",
  "commander",
  "conf",
  "koffi",
  "node-cron",
  "ps-list",
  "winston",
  "winston-daily-rotate-file",
  "zod",
];

async function bareNode(modules: readonly string[]): Promise<Memory> {
  const code = `${modules.map((name) => `await import("${name}");`).join("\n")}\nsetInterval(() => {}, 5_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: root, stdio: "ignore" });
  try {
    await after(8_000);
    return memory(child.pid ?? 0);
  } finally {
    child.kill();
  }
}

/** Processes that the whole machine has started since boot (proc_stat(5)): each new one is work for the agent. */
function forks(): number {
  return Number(/^processes (\d+)$/m.exec(textOf("/proc/stat"))?.[1]);
}

const [settle, seconds] = [30_000, 60];

export const bench: Bench = {
  title: `the agent as it is shipped, with default settings and the 10 July policy, for ${seconds} s`,
  run: async () => {
    const [nothing, libs] = [await bareNode([]), await bareNode(libraries)];
    const estate = await startEstate(readFileSync(join(root, "policies/examples/ban-claude-code.json")), systemClock);
    const shipped = await ship();
    try {
      // It only observes: this may be somebody's machine. What a match would cost is not idling.
      const agent = await shipped.start(estate, { enforcement: "observe" });
      try {
        await after(settle); // the first scan of what is installed, the first reports
        const first = cpuSeconds(agent.pid);
        const [began, forked] = [performance.now(), forks()];
        const seen: Memory[] = [];
        for (let second = 0; second < seconds; second += 1) {
          await after(1000);
          seen.push(memory(agent.pid));
        }
        const used = cpuSeconds(agent.pid) - first;
        const share = (100 * used) / ((performance.now() - began) / 1000);
        const dirty = Float64Array.from(seen, (one) => one.privateDirty);
        const rss = Float64Array.from(seen, (one) => one.rss);
        const [dirtyUsually, rssUsually] = [quantile(dirty, 0.5), quantile(rss, 0.5)];
        const rows: readonly Row[] = [
          { name: "CPU, children included", value: share, unit: "% of a core", bound: 0.5 },
          { name: "Private_Dirty", value: dirtyUsually, unit: "MB", against: libs.privateDirty, bound: 50 },
          { name: "RSS", value: rssUsually, unit: "MB", against: libs.rss, bound: 110 },
          { name: "Private_Dirty, the most: while the courier fetches", value: Math.max(...dirty), unit: "MB" },
          { name: "RSS, the most", value: Math.max(...rss), unit: "MB" },
          { name: "bare Node with the same libraries, Private_Dirty", value: libs.privateDirty, unit: "MB" },
          { name: "bare Node with the same libraries, RSS", value: libs.rss, unit: "MB" },
          { name: "bare Node, Private_Dirty", value: nothing.privateDirty, unit: "MB" },
          { name: "bare Node, RSS", value: nothing.rss, unit: "MB" },
          { name: "processes started on the machine meanwhile", value: forks() - forked, unit: "" },
          { name: "load of the machine, 1 minute", value: loadavg()[0] ?? Number.NaN, unit: "" },
        ];
        return rows;
      } finally {
        await agent.stop();
      }
    } finally {
      shipped.remove();
      await estate.close();
    }
  },
};
