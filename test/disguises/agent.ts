import { readFileSync, statSync } from "node:fs";
import { runAgent } from "#agent/main.ts";
import type { Config } from "#agent/config.ts";
import { systemClock } from "#lib/clock.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Platform } from "#platform/platform.ts";

/**
 * The agent as a process of its own: `node agent.ts CONFIG UID`, a whole configuration as JSON. Ends with SIGTERM. The machine
 * to it is what runs in its own mount namespace, and whatever runs as that user: all others are foreign here, and their
 * filesystems would be marked.
 */
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
const [, , file = "", uid] = process.argv;
const config = JSON.parse(readFileSync(file, "utf8")) as Config;

function isOurs(pid: number): boolean {
  try {
    if (statSync(`/proc/${pid}/ns/mnt`).ino === statSync("/proc/self/ns/mnt").ino) return true;
    return statSync(`/proc/${pid}`).uid === Number(uid);
  } catch {
    return false; // it has gone
  }
}

const machine = await selectPlatform();
const platform: Platform = {
  ...machine,
  processes: async () => (await machine.processes()).filter(({ pid }) => isOurs(pid)),
  execs: (told, isKnown) =>
    machine.execs((batch) => told({ ...batch, seen: batch.seen.filter(({ pid }) => isOurs(pid)) }), isKnown),
};
await runAgent(config, { clock: systemClock, console: true, platform }, stopping.signal);
