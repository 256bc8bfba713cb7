import type { FromGate, ToGate } from "#protocol/gate.ts";
import type { Pause } from "#platform/gate.ts";

type Reply = Extract<ToGate, { ask: number }>;
type Ask = Extract<FromGate, { ask: number }>;
type Unnumbered<T> = T extends Ask ? Omit<T, "ask"> : never;

interface Open {
  readonly number: number;
  /** Of everybody who waits for it. */
  readonly fds: Set<number>;
  reply: Reply | undefined;
}

/** What the gate has asked the agent, and for whose sake. The same is asked once, however many wait: a storm of one program is one ask. */
export class Asks {
  readonly #say: (ask: Ask) => void;
  /** By what is asked. */
  readonly #open = new Map<string, Open>();
  readonly #asked = new Map<number, string>();
  #last = 0;
  /** The agent let an ask pass, and has not been heard since: another would only hold others up. */
  #silent = false;

  constructor(say: (ask: Ask) => void) {
    this.#say = say;
  }

  /**
   * Asks, and pauses until there is a reply; undefined at once where the agent does not listen. Whoever gives up returns the
   * generator; when all have, the ask is forgotten.
   */
  *put(fd: number, what: Unnumbered<Ask>): Generator<Pause, Reply | undefined, void> {
    if (this.#silent) return undefined;
    const key = JSON.stringify(what);
    const open = this.#open.get(key) ?? this.#begin(key, what);
    open.fds.add(fd);
    try {
      while (open.reply === undefined) yield "agent";
      return open.reply;
    } finally {
      open.fds.delete(fd);
      this.#silent ||= open.reply === undefined;
      if (open.fds.size === 0) this.#forget(open.number);
    }
  }

  /** The agent has said something. */
  heard(): void {
    this.#silent = false;
  }

  /** Takes a reply: the descriptors of the questions that wait for it; none where all were answered without. */
  take(reply: Reply): readonly number[] {
    const key = this.#asked.get(reply.ask);
    const open = key === undefined ? undefined : this.#open.get(key);
    if (open === undefined) return [];
    open.reply = reply;
    this.#forget(open.number); // whoever comes now asks about what is there now
    return [...open.fds];
  }

  #begin(key: string, what: Unnumbered<Ask>): Open {
    this.#last += 1;
    const open: Open = { number: this.#last, fds: new Set(), reply: undefined };
    this.#open.set(key, open);
    this.#asked.set(open.number, key);
    this.#say({ ...what, ask: open.number });
    return open;
  }

  #forget(number: number): void {
    const key = this.#asked.get(number);
    if (key === undefined) return;
    this.#asked.delete(number);
    this.#open.delete(key);
  }
}
