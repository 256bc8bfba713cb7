import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadCatalog } from "#cli/catalog.ts";
import { systemClock } from "#lib/clock.ts";
import { Simulator } from "../../trust/simulator.ts";
import type { Traffic } from "./server.ts";

/** Where a device finds a repository, and what it needs of it. */
export interface Repository {
  /** Below the server's folder. */
  readonly name: string;
  /** A file. */
  readonly root: string;
  readonly groups: readonly string[];
  readonly shard?: string;
}

/** A web server in a process of its own, so that its work is in nobody's time. */
export interface Server {
  readonly url: (repository: Repository) => string;
  traffic(): Promise<Traffic>;
  close(): void;
}

export async function startServer(dir: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, "server.ts"), [dir], { execArgv: [] });
  const [port]: unknown[] = await once(child, "message");
  return {
    url: ({ name }) => `http://127.0.0.1:${String(port)}/${name}/`,
    traffic: async () => {
      const said = once(child, "message");
      child.send("traffic");
      const [traffic]: unknown[] = await said;
      return traffic as Traffic; // it sends nothing else
    },
    close: () => child.disconnect(),
  };
}

const example = join(import.meta.dirname, "../../../policies/examples/ban-claude-code.json");

/** The example policy and the shipped catalog. */
export async function usual(): Promise<Simulator> {
  const sim = new Simulator(systemClock.now());
  const catalog = Buffer.from(JSON.stringify(await loadCatalog()));
  sim.targets.targets.set("policy.json", gzipSync(readFileSync(example))).set("catalog.json", gzipSync(catalog));
  return sim;
}

function addGroup(sim: Simulator, group: string): void {
  const path = `groups/${group}/policy.json`;
  const stages = [{ from: "2026-07-10T00:00:00+08:00", mode: "block" }];
  const policy = { name: group, bans: [{ id: `${group}/codex`, tool: "codex", reason: "Not here.", stages }] };
  sim
    .delegate("targets", `group-${group}`, { paths: [path], terminating: true })
    .targets.set(path, gzipSync(JSON.stringify(policy)));
}

/** The usual, with so many groups, of which the device is in the first and the last. */
export async function withGroups(dir: string, count: number): Promise<Repository> {
  const sim = await usual();
  const groups = Array.from({ length: count }, (_, i) => `department-${String(i + 1).padStart(4, "0")}`);
  for (const group of groups) addGroup(sim, group);
  return write(sim, dir, { name: `groups-${count}`, groups: [groups.at(0) ?? "", groups.at(-1) ?? ""] });
}

/** What a device has on most days: two groups, and exceptions for some of its neighbours. */
export async function everyday(dir: string): Promise<Repository> {
  const sim = await usual();
  for (const group of ["finance", "office"]) addGroup(sim, group);
  const role = sim.delegate("targets", "exceptions", { paths: ["exceptions/*.json"], terminating: true });
  const exceptions = Array.from({ length: 20 }, (_, i) => ({
    ban: "claude-code",
    device: `ab${String(i).padStart(62, "0")}`,
    granted: "2026-07-20T00:00:00Z",
    until: "2026-08-01T00:00:00Z",
  }));
  role.targets.set("exceptions/ab.json", gzipSync(JSON.stringify({ formatVersion: 1, exceptions })));
  return write(sim, dir, { name: "everyday", groups: ["finance", "office"], shard: "ab" });
}

const others = "others/";

/** The usual, and so many other targets in the same file of metadata, which nobody fetches. */
export async function withTargets(dir: string, count: number): Promise<Repository> {
  const sim = await usual();
  const bytes = Buffer.from("anything");
  for (let i = 0; i < count; i += 1) sim.targets.targets.set(`${others}${String(i).padStart(6, "0")}.json`, bytes);
  return write(sim, dir, { name: `targets-${count}`, groups: [] });
}

async function write(sim: Simulator, dir: string, of: Omit<Repository, "root">): Promise<Repository> {
  const root = join(dir, `${of.name}.root.json`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(root, await sim.writeRoot());
  for (const [name, bytes] of await sim.files()) {
    if (name.startsWith(`targets/${others}`)) continue;
    const file = join(dir, of.name, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  return { ...of, root };
}
