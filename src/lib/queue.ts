/** A bounded queue between one who must not wait and one who may. One reader at a time. */
export class Queue<T> {
  readonly #items: T[] = [];
  readonly #most: number;
  #wake: (() => void) | undefined;
  #closed = false;
  #lost = 0;

  /** `most` items are kept; what comes when it is full is counted and dropped. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many were dropped. */
  get lost(): number {
    return this.#lost;
  }

  /** False when it was dropped: the queue is full or closed. Never waits. */
  push(item: T): boolean {
    if (this.#closed || this.#items.length >= this.#most) {
      this.#lost += 1;
      return false;
    }
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** What is queued is still read; then the reader ends. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Items in order, until the queue is closed or the signal aborts. */
  async *read(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    const wake = (): void => this.#wake?.();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        const item = this.#items.shift();
        if (item !== undefined) yield item;
        else if (this.#closed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      this.#wake = undefined;
    }
  }
}
