import { describe } from "#lib/errors.ts";
import { readLines } from "#lib/lines.ts";
import { toastSchema, type FromSession, type Toast } from "#protocol/session.ts";
import type { NotificationEvents, Notifications } from "#session/notifications.ts";

export interface SessionOptions {
  /** Lines of JSON from the agent. The session ends with it. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly say: (message: FromSession) => void;
  readonly connect: (events: NotificationEvents) => Promise<Notifications>;
  readonly open: (url: string) => Promise<void>;
}

/** Bytes of one line; toasts that can still be pressed. */
const bounds = { line: 64 * 1024, shown: 100 } as const;

/** Draws what it is told to, and says what became of it, until its input or the bus ends. It decides nothing. */
export async function runSession(options: SessionOptions): Promise<void> {
  const desk = new Desk(options);
  options.say({ type: "ready" });
  const lines = readLines(options.input, bounds.line);
  try {
    for (;;) {
      const line = await Promise.race([lines.next(), desk.ended]);
      if (line === "ended" || line.done === true) return;
      await desk.take(line.value);
    }
  } finally {
    desk.close();
  }
}

class Desk {
  readonly #options: SessionOptions;
  /** The server's id → the toast. */
  readonly #shown = new Map<number, Toast>();
  readonly ended: Promise<"ended">;
  #end: () => void = () => undefined;
  #server: Notifications | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#end = () => resolve("ended")));
  }

  async take(line: string): Promise<void> {
    const toast = parse(line);
    if (toast === undefined) return;
    try {
      this.#server ??= await this.#connect();
      this.#keep(await this.#server.show(toast), toast);
      this.#options.say({ type: "shown", id: toast.id });
    } catch (error) {
      this.#options.say({ type: "failed", id: toast.id, why: describe(error) });
    }
  }

  close(): void {
    this.#server?.close();
  }

  #connect(): Promise<Notifications> {
    return this.#options.connect({
      pressed: (id, key) => this.#pressed(id, key),
      closed: (id) => {
        const toast = this.#shown.get(id);
        if (toast !== undefined) this.#options.say({ type: "closed", id: toast.id });
        this.#shown.delete(id);
      },
      ended: () => this.#end(),
    });
  }

  #keep(id: number, toast: Toast): void {
    this.#shown.set(id, toast);
    const [oldest] = this.#shown.keys();
    if (this.#shown.size > bounds.shown && oldest !== undefined) this.#shown.delete(oldest);
  }

  #pressed(id: number, key: string): void {
    const toast = this.#shown.get(id);
    const action = toast?.actions.find((a) => a.key === key);
    if (toast === undefined || action === undefined) return;
    this.#options.say({ type: "pressed", id: toast.id, key: action.key });
    // A browser that cannot be opened is nobody's loss: the address stands in the toast and in the terminal.
    if (action.key === "open" && toast.url !== undefined) this.#options.open(toast.url).catch(() => undefined);
  }
}

function parse(line: string): Toast | undefined {
  try {
    return toastSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
