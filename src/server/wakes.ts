import { watch } from "node:fs";
import { join } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { beatMs } from "#protocol/wake.ts";
import { Refusal } from "#server/refusal.ts";
import { limits } from "#trust/limits.ts";
import { parseTimestamp } from "#trust/metadata.ts";

/** Devices that may wait at a time, half of the connections that the server takes; the others go on asking every minute. */
const waitingMost = 10_000;

/** Devices that wait to hear of another repository than the one they know. */
export class Wakes {
  readonly #file: string;
  readonly #log: Log;
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  readonly #stop = new AbortController();
  #edition = "none";
  /** Readings of the timestamp, one after the other. */
  #read: Promise<void> = Promise.resolve();

  /** Whoever writes to the folder, this server or a program beside it: the new timestamp is what counts. */
  static async open(repository: string, log: Log, most = waitingMost): Promise<Wakes> {
    const wakes = new Wakes(join(repository, "timestamp.json"), log, most);
    try {
      watch(repository, { persistent: false, signal: wakes.#stop.signal }, (_, name) => {
        if (name === "timestamp.json") wakes.#look();
      }).on("error", (error) =>
        log.error("the repository is watched no more; devices ask every minute", { why: describe(error) }),
      );
    } catch (error) {
      log.error("the repository cannot be watched; devices ask every minute", { why: describe(error) });
    }
    wakes.#look();
    await wakes.#read;
    return wakes;
  }

  private constructor(file: string, log: Log, most: number) {
    this.#file = file;
    this.#log = log;
    this.#most = most;
  }

  /** How many devices wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * The edition of the repository once it is not the known one; the known one after a beat, when the signal aborts, and when the
   * server ends. @throws Refusal 503 where too many wait
   */
  async heard(known: string | undefined, signal: AbortSignal): Promise<string> {
    if (known !== this.#edition || signal.aborted || this.#stop.signal.aborted) return this.#edition;
    if (this.#waiting.size >= this.#most)
      throw new Refusal(503, "busy", "too many devices wait here already", { retryAfter: 300 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const beat = setTimeout(resolve, beatMs);
    const gone = (): void => resolve();
    signal.addEventListener("abort", gone, { once: true });
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    signal.removeEventListener("abort", gone);
    clearTimeout(beat);
    return this.#edition;
  }

  /** Everybody who waits is answered. */
  close(): void {
    this.#stop.abort();
    this.#wake();
  }

  #look(): void {
    this.#read = this.#read.then(async () => {
      const edition = await this.#now();
      if (edition === undefined || edition === this.#edition) return;
      this.#edition = edition;
      this.#wake();
    });
  }

  /** The snapshot's version is another one whenever anything is that devices take; the timestamp's own is another one every hour. */
  async #now(): Promise<string | undefined> {
    try {
      return `${parseTimestamp(await readBounded(this.#file, limits.timestamp)).snapshot.version}`;
    } catch (error) {
      if (systemCode(error) !== "ENOENT") this.#log.error("the timestamp cannot be read", { why: describe(error) });
      return undefined;
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }
}
