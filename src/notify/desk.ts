import { pause } from "#lib/backoff.ts";
import { describe } from "#lib/errors.ts";
import type { Helper } from "#platform/platform.ts";
import { fromSessionSchema, type FromSession, type Toast } from "#protocol/session.ts";

export type Shown = "shown" | { readonly not: string };

export interface DeskOptions {
  /** Starts the process that draws for one person. */
  readonly start: () => Helper;
  readonly onPress: (id: string, key: Toast["actions"][number]["key"]) => void;
  readonly times?: Partial<DeskTimes>;
}

/** Milliseconds. `patience`: until a toast is given up · the rest: how long a helper that died is left alone. */
export interface DeskTimes {
  readonly patience: number;
  readonly firstMs: number;
  readonly maxMs: number;
}
const times: DeskTimes = { patience: 20_000, firstMs: 500, maxMs: 60_000 };
/** Toasts that wait for an answer. */
const most = 16;

interface Waiting {
  readonly toast: Toast;
  readonly timer: NodeJS.Timeout;
  readonly answer: (shown: Shown) => void;
}

/** One graphical login. Its session process is started at the first toast, kept, and started again when it died. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #times: DeskTimes;
  readonly #waiting = new Map<string, Waiting>();
  #helper: Helper | undefined;
  #retry: NodeJS.Timeout | undefined;
  #deaths = 0;
  #closed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#times = { ...times, ...options.times };
  }

  /** Resolves when it is on the screen, or is known not to be. */
  show(toast: Toast): Promise<Shown> {
    if (this.#closed) return Promise.resolve({ not: "the agent is stopping" });
    if (this.#waiting.size >= most) return Promise.resolve({ not: "too many toasts are waiting" });
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#answer(toast.id, { not: "the desktop did not answer" }),
        this.#times.patience,
      );
      this.#waiting.set(toast.id, { toast, timer, answer: resolve });
      if (this.#helper !== undefined) this.#helper.send(JSON.stringify(toast));
      else if (this.#retry === undefined) this.#launch();
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const id of this.#waiting.keys()) this.#answer(id, { not: "the agent is stopping" });
    this.#helper?.stop();
    this.#helper = undefined;
  }

  #launch(): void {
    this.#retry = undefined;
    if (this.#closed) return;
    const helper = this.#start();
    if (helper === undefined) return;
    this.#helper = helper;
    void helper.ended.then(() => this.#ended(helper));
    void this.#listen(helper);
    for (const { toast } of this.#waiting.values()) helper.send(JSON.stringify(toast));
  }

  #start(): Helper | undefined {
    try {
      return this.#options.start();
    } catch (error) {
      for (const id of this.#waiting.keys()) this.#answer(id, { not: describe(error) });
      return undefined;
    }
  }

  /** What is still waiting is sent to the next one, after a pause that grows with every death. */
  #ended(helper: Helper): void {
    if (this.#helper !== helper) return;
    this.#helper = undefined;
    this.#deaths += 1;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        if (this.#waiting.size > 0) this.#launch();
      },
      pause(this.#deaths, 1, this.#times),
    );
    this.#retry.unref();
  }

  /** The helper runs as that person: what it says is a stranger's. */
  async #listen(helper: Helper): Promise<void> {
    try {
      for await (const line of helper.lines()) this.#hear(line);
    } catch {
      helper.stop();
    }
  }

  #hear(line: string): void {
    const message = parse(line);
    switch (message?.type) {
      case "shown":
        this.#deaths = 0;
        return this.#answer(message.id, "shown");
      case "failed":
        return this.#answer(message.id, { not: message.why.slice(0, 200) });
      case "pressed":
        return this.#options.onPress(message.id, message.key);
      case "ready":
      case "closed":
      case undefined:
        return;
    }
  }

  #answer(id: string, shown: Shown): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    waiting.answer(shown);
  }
}

function parse(line: string): FromSession | undefined {
  try {
    return fromSessionSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
