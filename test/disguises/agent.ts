import { readFileSync } from "node:fs";
import { runAgent } from "#agent/main.ts";
import type { Config } from "#agent/config.ts";
import { systemClock } from "#lib/clock.ts";

/** The agent as a process of its own: `node agent.ts CONFIG`, a whole configuration as JSON. Ends with SIGTERM. */
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
const config = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Config;
await runAgent(config, { clock: systemClock, console: true }, stopping.signal);
