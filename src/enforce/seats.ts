/** A few acts at once, a bounded number waiting. An act handles its own errors. */
export class Seats {
  readonly #atOnce: number;
  readonly #most: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce;
    this.#most = most;
  }

  /** False when too many are waiting. */
  take(act: () => Promise<void>): boolean {
    if (this.#running.size < this.#atOnce) this.#run(act);
    else if (this.#waiting.length < this.#most) this.#waiting.push(act);
    else return false;
    return true;
  }

  /** Forgets who waits; resolves when who runs has ended. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #run(act: () => Promise<void>): void {
    const running = act().finally(() => {
      this.#running.delete(running);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#run(next);
    });
    this.#running.add(running);
  }
}
