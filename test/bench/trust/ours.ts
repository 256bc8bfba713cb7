import { readFileSync } from "node:fs";
import { systemClock } from "#lib/clock.ts";
import { openClient, type Client } from "#trust/client.ts";
import type { Device, Place } from "./device.ts";

/** Our client, as the agent opens it. */
export function clientAt({ dir, url, root, groups, shard }: Place): Client {
  return openClient({ dir, url, bootstrap: readFileSync(root), clock: systemClock, groups, shard, timeoutMs: 60_000 });
}

/** Ours stays open between two looks, as it does in the agent. */
export function ours(place: Place): Device {
  const client = clientAt(place);
  return {
    first: async () => client.activated(await client.refresh()),
    again: async () => void (await client.refresh()),
    close: () => client.close(),
  };
}
