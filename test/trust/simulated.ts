import { parseInstant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { MemoryStore, type MetadataStore } from "#trust/store.ts";
import { update, type Updated } from "#trust/updater.ts";
import { Mirror } from "./mirror.ts";
import { TestClock } from "./repository.ts";
import { Simulator } from "./simulator.ts";

export const now = parseInstant("2026-07-10T00:00:00Z");

/** A repository and a client that remembers. `look` is one refresh, at the clock's time. */
export interface Simulated {
  readonly sim: Simulator;
  readonly mirror: Mirror;
  readonly clock: TestClock;
  readonly look: () => Promise<Updated>;
}

export async function simulated(store: MetadataStore = new MemoryStore()): Promise<Simulated> {
  const sim = new Simulator(now);
  const bootstrap = await sim.writeRoot();
  const mirror = new Mirror(sim);
  const clock = new TestClock(now);
  return { sim, mirror, clock, look: () => update({ fetcher: mirror, store, bootstrap, now: clock.now() }) };
}

/** The delegated roles that were asked for, in order. */
export function visited({ asked }: Mirror): string[] {
  const tops = /\.(root|snapshot|targets)\.json$|^timestamp|^targets\//;
  return asked.filter((name) => !tops.test(name)).map((name) => name.replace(/^\d+\.|\.json$/g, ""));
}

/** "believed", or the code and what it is about: "ROLLBACK snapshot". */
export function verdict(look: Promise<unknown>): Promise<string> {
  return look.then(
    () => "believed",
    (error: unknown) => (error instanceof TrustError ? `${error.code} ${error.file}` : String(error)),
  );
}
