import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { systemClock } from "#lib/clock.ts";
import { startEstate } from "../estate.ts";
import { ship, textOf, until } from "../shipped.ts";
import type { Watcher } from "./watchers.ts";

/** Milliseconds until what a start does is done. */
const settling = 5_000;

/** The whole agent as it is shipped: gate, exec stream, sweeps, reports to a server of its own. */
export interface Whole {
  /** Starts it; its gate holds these mount points. */
  start(mounts: readonly string[]): Promise<Watcher>;
  close(): Promise<void>;
}

/** @param policy what it enforces on this very machine: it must stop nobody else's programs */
export async function prepareAgent(folder: string, policy: Uint8Array): Promise<Whole> {
  const shipped = await ship();
  const estate = await startEstate(policy, systemClock);
  const none = join(folder, "no-installs");
  mkdirSync(none);
  return {
    start: async (mounts) => {
      // What is installed on the machine that measures is looked at once a day, not in every round.
      const agent = await shipped.start(estate, { gate: { mounts }, roots: [none] });
      const log = join(estate.folder, "agent.log");
      try {
        await until("the gate answers", () => textOf(log).includes("the gate is up"));
      } catch (error) {
        await agent.stop();
        throw error;
      }
      await after(settling);
      const said = (words: string): number => textOf(log).split(words).length - 1;
      const troubles = (): { late: number; overflows: number } => ({
        late: said("the gate could not judge in time"),
        overflows: said("more programs started at once"),
      });
      return { pid: agent.pid, inside: [], denies: true, troubles, stop: () => agent.stop() };
    },
    close: async () => {
      shipped.remove();
      await estate.close();
    },
  };
}
