import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { build } from "esbuild";
import { systemClock } from "#lib/clock.ts";
import { banner, bundle } from "../../../installers/bundle.ts";
import { startEstate } from "../estate.ts";
import { textOf, until } from "../shipped.ts";
import type { Watcher } from "./watchers.ts";

const repository = join(import.meta.dirname, "../../..");
/** Milliseconds until what a start does is done. */
const settling = 5_000;

/** The whole agent: gate, exec stream, sweeps, reports to a server of its own. */
export interface Whole {
  /** Starts it; its gate holds these mount points. */
  start(mounts: readonly string[]): Promise<Watcher>;
  close(): Promise<void>;
}

/** @param policy what it enforces on this very machine: it must stop nobody else's programs */
export async function prepareAgent(folder: string, policy: Uint8Array): Promise<Whole> {
  const out = join(folder, "edict");
  await bundle(repository, out);
  await build({
    absWorkingDir: repository,
    entryPoints: [join(import.meta.dirname, "agent.ts")],
    outfile: join(out, "app/bench/agent.mjs"), // as deep as the entries of the bundle
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    banner: { js: banner },
    external: ["pg-native"],
    minifyWhitespace: true,
    logLevel: "warning",
  });
  const launcher = join(folder, "launcher.sh");
  const text = readFileSync(join(repository, "installers/linux/launcher.sh"), "utf8")
    .replace("/usr/lib/edict/node", process.execPath)
    .replace("/usr/lib/edict/app/@entry@", join(out, "app/bench/agent.mjs"));
  writeFileSync(launcher, text, { mode: 0o755 });
  const estate = await startEstate(policy, systemClock);
  const empty = join(folder, "no-installs");
  mkdirSync(empty);
  const start = async (mounts: readonly string[]): Promise<Watcher> => {
    const own = mkdtempSync(join(folder, "agent-"));
    const [settings, log] = [join(own, "agent.json"), join(own, "log")];
    // What is installed on the machine that measures is looked at once a day, not in every round.
    const its = { ...estate.settings, state: join(own, "state"), run: join(own, "run"), roots: [empty] };
    mkdirSync(its.run);
    writeFileSync(settings, JSON.stringify(its), { mode: 0o600 });
    const to = openSync(log, "w");
    const child = spawn("/bin/sh", [launcher, settings, ...mounts], { stdio: ["ignore", "ignore", to] });
    closeSync(to);
    const { pid } = child;
    if (pid === undefined) throw new Error("the agent was not started");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await until("the agent answers", () => {
      if (child.exitCode !== null) throw new Error(`the agent has ended: ${textOf(log)}`);
      return ["a policy is in force", "the gate is up"].every((line) => textOf(log).includes(line));
    });
    await after(settling);
    const stop = async (): Promise<void> => {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(late);
      rmSync(own, { recursive: true, force: true });
    };
    return { pid, inside: [], denies: true, stop };
  };
  return { start, close: () => estate.close() };
}
