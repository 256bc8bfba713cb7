import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../lib/temporary.ts";
import { grouped, packed, type Watched } from "./device.ts";
import { served, type Served, type TestClient } from "./repository.ts";
import { following } from "./stopped.ts";

/** A device that has activated version 2 and then version 3. */
async function device(): Promise<{ repo: Served; client: TestClient }> {
  const repo = await served();
  await repo.publish("two");
  const client = await repo.client();
  await client.activated(await client.refresh());
  await repo.publish("three");
  await client.activated(await client.refresh());
  return { repo, client };
}

/** The same, of a device that has groups and exceptions; with the lock of a process that died. */
async function groupedDevice(): Promise<{ repo: Watched; client: TestClient }> {
  const repo = await grouped();
  repo.sim.targets.version = 2;
  repo.sim.targets.targets.set("devices.json", packed("{}"));
  const client = await repo.client(following);
  await client.activated(await client.refresh());
  repo.publish("targets");
  await client.activated(await client.refresh());
  await writeFile(join(client.dir, "lock"), "a 4194304000 1 b");
  return { repo, client };
}

async function filesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(dir.length + 1));
}

const damages: Record<string, (file: string) => Promise<unknown>> = {
  truncated: async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
  empty: (file) => truncate(file, 0),
  "full of zeros": async (file) => writeFile(file, Buffer.alloc((await stat(file)).size)),
  gone: (file) => rm(file),
  "a folder": async (file) => {
    await rm(file);
    await mkdir(join(file, "more"), { recursive: true });
  },
  "a FIFO": async (file) => {
    await rm(file);
    execFileSync("mkfifo", [file]);
  },
  "a link to itself": async (file) => {
    await rm(file);
    await symlink(file, file);
  },
  "a link to a good copy": async (file) => {
    await cp(file, `${file}.copy`);
    await rm(file);
    await symlink(`${file}.copy`, file);
  },
};

test.each(Object.entries(damages))(
  "each stored file that is %s: the device starts with the last good policy, and heals",
  async (how, damage) => {
    const { repo, client } = await groupedDevice();
    const files = await filesOf(client.dir);
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const dir = join(await temporaryFolder(), "store");
      await cp(client.dir, dir, { recursive: true });
      await damage(join(dir, file));

      const offline = await repo.client({ ...following, dir, url: "http://127.0.0.1:1/" });
      const cached = await offline.cached();
      const newest = /^generations\/active-0{9}2/.test(file);
      expect([file, cached?.version]).toEqual([file, newest ? 2 : 3]);
      const said = how !== "gone" && ["root.json", "bootstrap", "state"].includes(file);
      expect([file, offline.status().problems.length]).toEqual([file, newest || said ? 1 : 0]);

      const online = await repo.client({ ...following, dir });
      await online.cached();
      await online.activated(await online.refresh());
      // What is looked at only beside the network is said when it is looked at; a lock says nothing to anybody.
      const isMetadata = dirname(file) === "." && file !== "lock";
      const named = online.status().problems.filter((problem) => problem.startsWith(`${file} `));
      expect([file, named.length]).toEqual([file, isMetadata && how !== "gone" ? 1 : 0]);
      const healed = await repo.client({ ...following, dir, url: "http://127.0.0.1:1/" });
      const { version, groups, exceptions } = (await healed.cached()) ?? {};
      expect([file, version, groups?.size, exceptions?.length]).toEqual([file, 3, 2, 4]);
    }
  },
);

test("each file that is cut at any sixteenth, or swapped with another: the device starts with the last good policy", async () => {
  const { repo, client } = await groupedDevice();
  const files = (await filesOf(client.dir)).toSorted();
  const starts = async (damage: (dir: string) => Promise<unknown>): Promise<number | undefined> => {
    const dir = join(await temporaryFolder(), "store");
    await cp(client.dir, dir, { recursive: true });
    await damage(dir);
    return (await (await repo.client({ ...following, dir, url: "http://127.0.0.1:1/" })).cached())?.version;
  };
  for (const [i, file] of files.entries()) {
    const { size } = await stat(join(client.dir, file));
    const newest = /^generations\/active-0{9}2/.test(file);
    for (let sixteenth = 0; sixteenth < 16; sixteenth += 1) {
      const version = await starts((dir) => truncate(join(dir, file), Math.floor((size * sixteenth) / 16)));
      expect([file, sixteenth, version]).toEqual([file, sixteenth, newest ? 2 : 3]);
    }
    const next = files[i + 1];
    if (next === undefined || dirname(next) !== dirname(file)) continue;
    const swapped = await starts(async (dir) => {
      await rename(join(dir, file), join(dir, "other"));
      await rename(join(dir, next), join(dir, file));
      await rename(join(dir, "other"), join(dir, next));
    });
    expect([file, next, swapped]).toEqual([file, next, newest ? 2 : 3]);
  }
}, 180_000);

test.each(["a file", "a FIFO", "a link to itself"])(
  "%s in the place of the folder of generations is said, and the folder is made again",
  async (what) => {
    const { repo, client } = await groupedDevice();
    const folder = join(client.dir, "generations");
    await rm(folder, { recursive: true });
    await writeFile(folder, "");
    await damages[what]?.(folder);
    const again = await repo.client({ ...following, dir: client.dir });
    expect(await again.cached()).toBeUndefined();
    expect(again.status().problems).toEqual([expect.stringContaining("the generations cannot be read: ")]);
    await again.activated(await again.refresh());
    expect((await again.cached())?.version).toBe(3);
    expect(again.status().problems).toEqual([]);
  },
);

test("the store is readable by its owner alone", async () => {
  const { client } = await device();
  for (const file of await filesOf(client.dir))
    expect([file, (await stat(join(client.dir, file))).mode & 0o777]).toEqual([file, 0o600]);
  expect((await stat(client.dir)).mode & 0o777).toBe(0o700);
});
