import { setTimeout as after } from "node:timers/promises";
import type { Journal } from "#agent/journal.ts";
import { Repeats, type Repeated } from "#agent/repeats.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import type { Told } from "#notify/tell.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Warning } from "#protocol/status.ts";
import { toEvent, type DeviceInfo, type Health } from "#report/ocsf.ts";
import type { Outbox } from "#report/outbox.ts";

interface RecorderOptions {
  readonly outbox: Pick<Outbox, "put">;
  readonly journal: Pick<Journal, "add" | "told">;
  readonly about: DeviceInfo;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds between looks at what was counted. */
const counted = 5_000;

/** Writes down what happened: for the server, and for the person it happened to. Returns at once. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #repeats: Repeats;
  /** Why the spool could not take the last event; undefined while it can. */
  trouble: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#repeats = new Repeats(options.clock);
  }

  outcome(outcome: Outcome): void {
    if (this.#repeats.isAlone(outcome)) this.#write(outcome);
  }

  /** Writes down what was counted, minute by minute, and in the end what is left. */
  async run(signal: AbortSignal): Promise<void> {
    do {
      await after(counted, undefined, { signal }).catch(() => undefined);
      for (const repeated of this.#repeats.due(signal.aborted)) this.#write(repeated.last, repeated);
    } while (!signal.aborted);
  }

  #write(outcome: Outcome, repeated?: Repeated): void {
    const { verdict, evidence, did, at } = outcome;
    const what = evidence.script?.path ?? evidence.file?.path ?? evidence.id;
    this.#options.journal.add({
      id: outcome.id,
      at,
      uid: evidence.process?.uid ?? evidence.file?.owner ?? null,
      did,
      tool: verdict.tool,
      ban: verdict.ban,
      mode: verdict.mode,
      what,
      because: verdict.because.map((reason) => reason.text),
      ...(repeated !== undefined && { times: repeated.times, since: formatInstant(repeated.since) }),
    });
    // What nobody banned (a machine that fails closed denies it, too) is the person's own business: no path of it (law 9).
    const match = verdict.ban === null ? {} : { ban: verdict.ban, tool: verdict.tool, what };
    this.#options.log.info("outcome", { did, ...match, error: outcome.error, times: repeated?.times });
    const event = toEvent(outcome, this.#options.about, repeated);
    if (event !== undefined) this.#put(event);
  }

  told(id: string, { terminal, toast }: Told): void {
    this.#options.journal.told(id, { terminal: words(terminal), toast: words(toast) });
  }

  /** About the agent itself, never about what people run. */
  health(what: Health["what"], warnings: readonly Warning[], facts: Readonly<Record<string, unknown>>): void {
    const at = formatInstant(this.#options.clock.now());
    this.#put(toEvent({ kind: "health", at, what, warnings, facts }, this.#options.about));
  }

  #put(event: Parameters<Outbox["put"]>[0]): void {
    this.#options.outbox.put(event).then(
      () => (this.trouble = undefined),
      (error: unknown) => {
        this.trouble = describe(error);
        this.#options.log.error("a report could not be spooled", { error: this.trouble });
      },
    );
  }
}

function words(how: Told["terminal"] | Told["toast"]): string {
  return typeof how === "string" ? how : `not: ${how.not}`;
}
