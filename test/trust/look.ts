// One look of a device, as a process: look.ts DIR URL ROOT INSTANT, a device in the groups a and b with the exceptions ab.
// Says "taken", or the code of what kept it from that.
import { readFile } from "node:fs/promises";
import { parseInstant } from "#lib/pure/instant.ts";
import { openClient } from "#trust/client.ts";
import { TrustError } from "#trust/error.ts";

const [dir = "", url = "", root = "", at = ""] = process.argv.slice(2);
const now = parseInstant(at);
const client = openClient({
  dir,
  url,
  bootstrap: await readFile(root),
  clock: { now: () => now },
  groups: ["a", "b"],
  shard: "ab",
});
try {
  await client.activated(await client.refresh());
  process.stdout.write("taken");
} catch (error) {
  if (!(error instanceof TrustError)) throw error;
  process.stdout.write(error.code);
} finally {
  client.close();
}
