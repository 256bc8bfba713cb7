import type { FromGate, ToGate } from "#protocol/gate.ts";
import type { Pause } from "#platform/gate.ts";

type Reply = Extract<ToGate, { ask: number }>;
type Ask = Extract<FromGate, { ask: number }>;
type Unnumbered<T> = T extends Ask ? Omit<T, "ask"> : never;

/** What the gate has asked the agent, and for whose sake. */
export class Asks {
  readonly #say: (ask: Ask) => void;
  readonly #open = new Map<number, { readonly fd: number; reply: Reply | undefined }>();
  #last = 0;

  constructor(say: (ask: Ask) => void) {
    this.#say = say;
  }

  /** Asks, and pauses until there is a reply. Whoever gives up returns the generator, and the question is forgotten. */
  *put(fd: number, what: Unnumbered<Ask>): Generator<Pause, Reply, void> {
    this.#last += 1;
    const number = this.#last;
    const asked: { readonly fd: number; reply: Reply | undefined } = { fd, reply: undefined };
    this.#open.set(number, asked);
    try {
      this.#say({ ...what, ask: number });
      while (asked.reply === undefined) yield "agent";
      return asked.reply;
    } finally {
      this.#open.delete(number);
    }
  }

  /** Takes a reply: the descriptor of the question that waits for it; undefined where it was answered without. */
  take(reply: Reply): number | undefined {
    const asked = this.#open.get(reply.ask);
    if (asked === undefined) return undefined;
    asked.reply = reply;
    return asked.fd;
  }
}
