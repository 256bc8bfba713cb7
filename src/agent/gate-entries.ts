import type { Entry } from "#platform/gate.ts";

/** Each is some ten microseconds of the gate's whenever what is settled is forgotten. */
const most = 5_000;

/**
 * Entry files that a gate is to ask about. A gate is told of each once: whoever copies a banned tool a thousand times must not
 * have the whole list said a thousand times.
 */
export class GateEntries {
  readonly #all = new Map<string, Entry>();
  readonly #fresh: Entry[] = [];
  readonly #say: (entries: readonly Entry[]) => void;

  constructor(say: (entries: readonly Entry[]) => void) {
    this.#say = say;
  }

  /** What is added in one turn is said together: a scan finds many at once. */
  add(entry: Entry): void {
    const key = `${entry.dev} ${entry.ino}`;
    if (this.#all.has(key) || this.#all.size >= most) return;
    this.#all.set(key, entry);
    this.#fresh.push(entry);
    if (this.#fresh.length === 1) setImmediate(() => this.#sayFresh());
  }

  /** To a gate that knows none. */
  sayAll(): void {
    this.#fresh.length = 0;
    if (this.#all.size > 0) this.#say([...this.#all.values()]);
  }

  /** They are another policy's, which finds its own. */
  clear(): void {
    this.#all.clear();
    this.#fresh.length = 0;
  }

  #sayFresh(): void {
    const fresh = this.#fresh.splice(0);
    if (fresh.length > 0) this.#say(fresh);
  }
}
