import { loadConfig, placesFor } from "#agent/config.ts";
import { runAgent } from "#agent/main.ts";
import { systemClock } from "#lib/clock.ts";

/**
 * The agent as it is, but that its gate holds only the given mount points: what hangs here must not hang the machine.
 * Its words: a file with settings, and the mount points.
 */
const [settings, ...gateOnly] = process.argv.slice(2);
if (settings === undefined || gateOnly.length === 0) throw new Error("it needs settings and mount points");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const config = loadConfig({ ...placesFor(0, {}), files: [settings], named: true });
await runAgent(config, { clock: systemClock, console: true, gateOnly }, stop.signal);
