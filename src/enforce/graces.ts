import type { Clock } from "#lib/clock.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { ProcessId } from "#policy/outcome.ts";

/** A process whose person was told, and what happens at the end. */
export interface Grace<J> extends ProcessId {
  readonly ban: string;
  readonly until: Instant;
  readonly end: () => void;
  readonly job: J;
}

/** Graces at once. */
const most = 10_000;
/** Milliseconds after which the clock is looked at again: timers stand still while the machine sleeps, deadlines do not. */
const look = 5_000;

/** Running graces. The same process and ban keep their first deadline, however often they are judged. */
export class Graces<J> {
  readonly #clock: Clock;
  readonly #running = new Map<string, { readonly grace: Grace<J>; timer: NodeJS.Timeout }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(grace: Grace<J>): "started" | "running" | "full" {
    const key = `${grace.pid}:${grace.start}:${grace.dev}:${grace.ino} ${grace.ban}`;
    if (this.#running.has(key)) return "running";
    if (this.#running.size >= most) return "full";
    this.#running.set(key, { grace, timer: this.#wait(key, grace) });
    return "started";
  }

  all(): readonly Grace<J>[] {
    return [...this.#running.values()].map(({ grace }) => grace);
  }

  /** Ends those that `which` names without their end being carried out, and says which they were. */
  drop(which: (grace: Grace<J>) => boolean): readonly Grace<J>[] {
    const dropped: Grace<J>[] = [];
    for (const [key, { grace, timer }] of this.#running) {
      if (!which(grace)) continue;
      clearTimeout(timer);
      this.#running.delete(key);
      dropped.push(grace);
    }
    return dropped;
  }

  #wait(key: string, grace: Grace<J>): NodeJS.Timeout {
    const rest = Math.max(0, grace.until - this.#clock.now());
    return setTimeout(() => this.#due(key), Math.min(rest, look));
  }

  #due(key: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    if (this.#clock.now() < running.grace.until) running.timer = this.#wait(key, running.grace);
    else {
      this.#running.delete(key);
      running.grace.end();
    }
  }
}
