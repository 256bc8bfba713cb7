import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds. */
interface Bounds {
  /** From one look to one that somebody asks for. */
  readonly leastMs: number;
  /** Those whom the same news reaches at the same moment look within so long. */
  readonly spreadMs: number;
}

/** When to look next: after a while, or soon where somebody says that there is news. Who says so is believed nothing else. */
export class Pace {
  readonly #bounds: Bounds;
  readonly #random: () => number;
  #news = Promise.withResolvers<void>();

  /** `random` gives numbers in [0, 1). */
  constructor(random: () => number, bounds: Bounds = { leastMs: 10_000, spreadMs: 5_000 }) {
    this.#random = random;
    this.#bounds = bounds;
  }

  /** There may be news; also while nobody waits. */
  lookSoon(): void {
    this.#news.resolve();
  }

  /** Resolves after so many milliseconds, soon after there was news, or when the signal aborts. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const stop = new AbortController();
    const over = sleep(ms, false, { signal: AbortSignal.any([signal, stop.signal]) }).catch(() => false);
    const isNews = await Promise.race([this.#news.promise.then(() => true), over]);
    stop.abort();
    if (isNews) {
      const passed = performance.now() - began;
      const soon = Math.max(this.#bounds.leastMs - passed, this.#random() * this.#bounds.spreadMs);
      await sleep(Math.min(soon, ms - passed), undefined, { signal }).catch(() => undefined);
    }
    this.#news = Promise.withResolvers(); // the look that follows finds all of it
  }
}
