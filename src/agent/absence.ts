import type { State } from "#agent/state.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import type { Platform } from "#platform/platform.ts";

/** Milliseconds by which a start and an end may be told wrongly against each other: both are known to 10 ms, and clocks are read one after the other. */
const slack = 50;

/**
 * When nobody watched, before this start of the agent: what people started then, under a policy that was in force here, they
 * started knowingly. Who watched until when is counted from the machine's start, for clocks are set.
 */
export class Absence {
  /** Undefined where nobody knows: the agent was killed, or was never here. */
  readonly since: Instant | undefined;
  readonly #state: State;
  readonly #boot: Platform["boot"];
  #over = false;

  constructor(state: State, boot: Platform["boot"], now: Instant) {
    this.#state = state;
    this.#boot = boot;
    this.since = sinceWhen(state.read().watched, boot(), now);
  }

  /** What happened meanwhile is being judged: from now on the agent is there, until it says that it is not. */
  over(): void {
    this.#over = true;
    this.#remember(false);
  }

  /** The agent ends. Where it never came to judge what had happened, its absence goes on. */
  begins(): void {
    if (this.#over) this.#remember(true);
  }

  #remember(ended: boolean): void {
    const boot = this.#boot();
    if (boot === undefined) return;
    this.#state.write({ watched: { boot: boot.id, ...(ended && { until: boot.seconds }) } });
  }
}

function sinceWhen(
  watched: ReturnType<State["read"]>["watched"],
  boot: ReturnType<Platform["boot"]>,
  now: Instant,
): Instant | undefined {
  if (watched === undefined || boot === undefined) return undefined;
  const { id, seconds } = boot;
  if (watched.boot !== id) return instantOf(Math.floor(now - seconds * 1000)); // not since the machine was started
  return watched.until === undefined
    ? undefined
    : instantOf(Math.floor(now - (seconds - watched.until) * 1000) + slack);
}
