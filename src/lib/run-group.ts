import { setTimeout as after } from "node:timers/promises";
import { aborted } from "#lib/aborted.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";

/** One part of a program that runs until it is told to stop. */
export interface Actor {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** Milliseconds after which the log names who has not stopped yet. */
const patience = 5_000;

/**
 * Runs all actors until the first ends or `signal` aborts, then stops the others and waits for them.
 * The log says which actor stopped first and which one blocks shutdown. @throws what the first failing actor threw
 */
export async function runGroup(actors: readonly Actor[], signal: AbortSignal, log: Log): Promise<void> {
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const running = new Set(actors.map((a) => a.name));
  const failures: unknown[] = [];
  const work = actors.map(async (actor) => {
    try {
      await actor.run(all);
      if (!all.aborted) log.info("an actor ended, the others follow", { actor: actor.name });
    } catch (error) {
      if (!all.aborted || !isAbort(error)) {
        failures.push(error);
        log.error("an actor failed, the others follow", { actor: actor.name, error: describe(error) });
      }
    } finally {
      running.delete(actor.name);
      stop.abort();
    }
  });
  const done = Promise.all(work);
  await aborted(all);
  const warning = new AbortController();
  after(patience, undefined, { signal: warning.signal, ref: false }).then(
    () => log.warn("still stopping", { waitingFor: [...running] }),
    () => undefined,
  );
  await done;
  warning.abort();
  if (failures.length > 0) throw failures[0];
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}
