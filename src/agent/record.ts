import type { Journal } from "#agent/journal.ts";
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

/** Writes down what happened: for the server, and for the person it happened to. Returns at once. */
export class Recorder {
  readonly #options: RecorderOptions;
  /** Why the spool could not take the last event; undefined while it can. */
  trouble: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  outcome(outcome: Outcome): void {
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
    });
    // What nobody banned (a machine that fails closed denies it, too) is the person's own business: no path of it (law 9).
    const match = verdict.ban === null ? {} : { ban: verdict.ban, tool: verdict.tool, what };
    this.#options.log.info("outcome", { did, ...match, error: outcome.error });
    const event = toEvent(outcome, this.#options.about);
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
