import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { temporaryFolder } from "../lib/temporary.ts";
import { contents, grouped, packed, type Watched } from "./device.ts";
import type { TestClient } from "./repository.ts";
import { listed } from "./simulator.ts";

const source = fileURLToPath(new URL("./stop-at.c", import.meta.url));

/** The program that stops others at a system call, made in a folder where it is not there yet; gcc and libc6-dev are needed. */
export function stopAt(folder: string): string {
  const program = join(folder, "stop-at");
  if (!existsSync(program)) execFileSync("gcc", ["-O1", "-Wall", "-Wextra", "-o", program, source]);
  return program;
}

const lookOnce = fileURLToPath(new URL("./look.ts", import.meta.url));

export const following = { groups: ["a", "b"], shard: "ab" };

/** What happens to a process at one of its system calls; stop-at.c says how. */
export type How = "kill" | "full";

export interface Looked {
  /** "taken", or the code of its error; "" where it was killed. */
  readonly said: string;
  readonly exit: number | null;
  /** Names of the system calls that changed its disk, in order. */
  readonly calls: readonly string[];
}

/** A device with version 1 in force, while its repository has version 2: new keys of root and timestamp, and everything another. */
export interface Moving {
  readonly repo: Watched;
  /** What it says of version 1 and of version 2. */
  readonly wholes: readonly Record<string, unknown>[];
  /** The file of the root that the device came with. */
  readonly root: string;
  /** A copy of the device, as it was before it looked. */
  readonly fresh: () => Promise<string>;
  /** The client as a process, stopped at that call. */
  readonly look: (dir: string, how: How, at: number) => Promise<Looked>;
  readonly offline: (dir: string) => Promise<TestClient>;
}

export async function moving(): Promise<Moving> {
  const base = await temporaryFolder();
  const repo = await grouped();
  const { sim } = repo;
  const root = join(base, "root.json");
  await writeFile(root, await sim.bytes("root"));
  const first = await repo.client(following);
  const one = await first.refresh();
  await first.activated(one);

  const old = sim.root.keys;
  for (const role of ["root", "timestamp"]) sim.role(role).keys = sim.role(role).keys.map(() => listed());
  sim.root.version += 1;
  await sim.writeRoot(old);
  sim.targets.targets.set("policy.json", gzipSync('{"name":"newer"}')).set("devices.json", packed("{}"));
  sim.role("group-a").targets.set("groups/a/policy.json", packed("newer a"));
  sim.role("exceptions").targets.set("exceptions/ab.json", packed("newer ab's"));
  repo.publish("targets", "group-a", "exceptions");
  const two = await (await repo.client(following)).refresh();

  return {
    repo,
    root,
    wholes: [one, two].map(contents),
    fresh: async () => {
      const dir = join(await temporaryFolder(), "store");
      await cp(first.dir, dir, { recursive: true });
      return dir;
    },
    look: async (dir, how, at) => {
      const log = `${dir}.calls`;
      const look = [lookOnce, dir, repo.web.url, root, String(repo.clock)];
      const child = spawn(stopAt(base), [how, String(at), dir, log, process.execPath, ...look], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [said, [exit]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number | null]>]);
      return { said, exit, calls: (await readFile(log, "utf8")).trim().split("\n") };
    },
    offline: (dir) => repo.client({ ...following, dir, url: "http://127.0.0.1:1/" }),
  };
}

/** Which version a device has in force, whole and without the network. @throws where it has neither, or a mix */
export async function versionIn({ offline, wholes }: Moving, dir: string): Promise<number> {
  const client = await offline(dir);
  const generation = await client.cached();
  const found = generation && contents(generation);
  expect(wholes).toContainEqual(found);
  expect([generation?.version, client.status().problems]).toEqual([generation?.version, []]);
  return generation?.version ?? 0;
}

/** It takes version 2 when nothing is in its way, has it then, and has swept what was left over. */
export async function heals({ repo, wholes, offline }: Moving, dir: string): Promise<void> {
  const client = await repo.client({ ...following, dir });
  await client.cached();
  await client.activated(await client.refresh());
  const healed = await (await offline(dir)).cached();
  expect(healed && contents(healed)).toEqual(wholes[1]);
  expect((await readdir(dir, { recursive: true })).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}

/** Runs `act` for each, so many at once. */
export async function inLanes<T>(items: readonly T[], lanes: number, act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const item of left) await act(item);
    }),
  );
}
