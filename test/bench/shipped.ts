import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { bundle } from "../../installers/bundle.ts";
import type { Estate } from "./estate.ts";

/** The agent as a package installs it: the bundle, run by the Node it is shipped with, in a process of its own. */
export interface ShippedAgent {
  readonly pid: number;
  stop(): Promise<void>;
}

const repository = join(import.meta.dirname, "../..");

/** Where the bundle lies; other users may read it, as they may /usr/lib/edict. */
export interface Shipped {
  readonly folder: string;
  start(estate: Estate, settings: object): Promise<ShippedAgent>;
  remove(): void;
}

const patience = 60_000;
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const late = Date.now() + patience; !(await holds()); await after(20))
    if (Date.now() > late) throw new Error(`gave up waiting until ${what}`);
}

export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export async function ship(): Promise<Shipped> {
  const folder = mkdtempSync(join(tmpdir(), "edict-bundle-"));
  chmodSync(folder, 0o755);
  await bundle(repository, join(folder, "edict"));
  const edict = join(folder, "edict/launcher.sh");
  const launcher = readFileSync(join(repository, "installers/linux/launcher.sh"), "utf8");
  const here = launcher
    .replace("/usr/lib/edict/node", process.execPath)
    .replace("/usr/lib/edict/app/@entry@", join(folder, "edict/app/cli/main.mjs"));
  writeFileSync(edict, here, { mode: 0o755 });
  return {
    folder,
    start: async (estate, settings) => {
      const config = join(estate.folder, "agent.json");
      const log = join(estate.folder, "agent.log");
      rmSync(log, { force: true }); // an earlier start's says that a policy is in force
      writeFileSync(config, JSON.stringify({ gate: "off", ...estate.settings, ...settings }), { mode: 0o600 });
      const child = spawn("/bin/sh", ["-c", 'exec "$0" "$@" 2>"$LOG"', edict, "agent", "--config", config], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", LOG: log },
        stdio: "ignore",
      });
      const { pid } = child;
      if (pid === undefined) throw new Error("the agent did not start");
      try {
        await until("the agent has a policy in force", () => {
          if (child.exitCode !== null) throw new Error(`the agent has ended: ${textOf(log)}`);
          return textOf(log).includes("a policy is in force");
        });
      } catch (error) {
        await end(child);
        throw error;
      }
      return { pid, stop: () => end(child) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(late);
}

/** proc_pid_stat(5), fields 14 to 17: of a process and of its children that it has waited for, in seconds. */
function ownSeconds(pid: number): number {
  const text = textOf(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** A process and its live descendants. */
export function family(pid: number): readonly number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name): readonly [pid: number, parent: number] => {
      const text = textOf(`/proc/${name}/stat`);
      return [Number(name), Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1])];
    });
  const found = [pid];
  for (const at of found) found.push(...parents.filter(([, parent]) => parent === at).map(([child]) => child));
  return found;
}

/** CPU seconds that a process and all its children, live and ended, have used; ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, one) => sum + ownSeconds(one), 0);
}

export interface Memory {
  /** MB of 1,000,000 bytes, as proc_pid_smaps_rollup(5) counts them. */
  readonly rss: number;
  readonly privateDirty: number;
}

/** Of a process and its live children together. */
export function memory(pid: number): Memory {
  const sum = (name: string): number =>
    family(pid).reduce((all, one) => {
      const line = textOf(`/proc/${one}/smaps_rollup`)
        .split("\n")
        .find((l) => l.startsWith(`${name}:`));
      return all + Number(/\d+/.exec(line ?? "0")?.[0]) * 1024;
    }, 0) / 1e6;
  return { rss: sum("Rss"), privateDirty: sum("Private_Dirty") };
}
