// A device on a disk that is full, run in a mount namespace of its own: fill-disk.ts MOUNT PRISTINE URL ROOT INSTANT
// For each amount of free space: a refresh, what is enforced after it, and a refresh when there is room again.
import { cp, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseInstant } from "#lib/pure/instant.ts";
import { openClient, type Client } from "#trust/client.ts";

const [mount = "", pristine = "", url = "", rootFile = "", at = ""] = process.argv.slice(2);
const now = parseInstant(at);
const bootstrap = await readFile(rootFile);
const dir = join(mount, "store");

async function device<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const client = openClient({ dir, url, bootstrap, clock: { now: () => now }, groups: ["a", "b"], shard: "ab" });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function take(client: Client): Promise<string> {
  try {
    await client.activated(await client.refresh());
    return "taken";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

for (let pages = 0; pages <= 60; pages += 1) {
  await rm(dir, { recursive: true, force: true });
  await cp(pristine, dir, { recursive: true });
  const { bavail, bsize } = await statfs(mount);
  await writeFile(join(mount, "ballast"), Buffer.alloc(Math.max(0, bavail - pages) * bsize));
  const full = await device(take);
  const enforced = await device(async (client) => (await client.cached())?.version);
  await rm(join(mount, "ballast"));
  const later = await device(take);
  const healed = await device(async (client) => (await client.cached())?.version);
  process.stdout.write(`${JSON.stringify({ pages, full, enforced, later, healed })}\n`);
}
