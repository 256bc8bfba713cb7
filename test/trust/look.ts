// One look of a device, as a process: look.ts DIR URL ROOT INSTANT
import { readFile } from "node:fs/promises";
import { parseInstant } from "#lib/pure/instant.ts";
import { openClient } from "#trust/client.ts";

const [dir = "", url = "", root = "", at = ""] = process.argv.slice(2);
const now = parseInstant(at);
const client = openClient({
  dir,
  url,
  bootstrap: await readFile(root),
  clock: { now: () => now },
  groups: [],
  shard: undefined,
});
await client.activated(await client.refresh());
client.close();
