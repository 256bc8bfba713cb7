import type { Clock } from "#lib/clock.ts";
import { instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";

/** A clock that goes on from wherever it is set. */
export class SetClock implements Clock {
  #set: number;
  #at = performance.now();
  constructor(text: string) {
    this.#set = parseInstant(text);
  }
  now(): Instant {
    return instantOf(Math.floor(this.#set + performance.now() - this.#at));
  }
  set(text: string): void {
    this.#set = parseInstant(text);
    this.#at = performance.now();
  }
}
