import type { Clock } from "#lib/clock.ts";

/** What was said a moment ago: a tool that is started again and again writes one block, not fifty. */
export class Recent {
  readonly #clock: Clock;
  readonly #within: number;
  readonly #most: number;
  /** Key → when, in milliseconds; in the order of time. */
  readonly #said = new Map<string, number>();

  constructor(clock: Clock, within: number, most: number) {
    this.#clock = clock;
    this.#within = within;
    this.#most = most;
  }

  has(key: string): boolean {
    const at = this.#said.get(key);
    return at !== undefined && Math.abs(this.#clock.now() - at) < this.#within;
  }

  add(key: string): void {
    this.#said.delete(key);
    this.#said.set(key, this.#clock.now());
    const [oldest] = this.#said.keys();
    if (this.#said.size > this.#most && oldest !== undefined) this.#said.delete(oldest);
  }
}
