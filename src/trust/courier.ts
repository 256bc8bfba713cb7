import type { Duplex } from "node:stream";
import { longestAnswer, parseAnswer, type Answer, type Ask, type Errand } from "#trust/courier-line.ts";
import { TrustError } from "#trust/error.ts";
import { Deadline, type Fetcher, type Fetching, type Timestamped } from "#trust/fetcher.ts";

/** The process that fetches, as whoever starts it has it. */
export interface CourierProcess {
  readonly control: Duplex;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  kill(): void;
}

/** Milliseconds past its own deadline after which a courier has hung: it was given something that it cannot digest. */
const grace = 2_000;

/**
 * Milliseconds after its last answer in which it is asked again or has to leave: a look has many requests, and the next look is a
 * minute away. What lives in between costs every machine the memory of a process.
 */
const linger = 2_000;

interface Waiting {
  readonly most: number;
  readonly done: (found: Found) => void;
  readonly failed: (error: TrustError) => void;
}
type Found = { readonly bytes: Buffer; readonly etag: string | undefined } | "absent" | "unchanged";

/**
 * Fetches through a process that may do nothing but that. It is started when it is needed, and ended when it is not; one
 * that says what no courier says is killed. What it brings is as hostile as what came from the network.
 */
export class Courier implements Fetching {
  readonly #start: () => CourierProcess;
  readonly #errand: Errand;
  readonly #linger: number;
  readonly #waiting = new Map<number, Waiting>();
  #process: CourierProcess | undefined;
  #inbox = new Inbox();
  #leaving: NodeJS.Timeout | undefined;
  #last = 0;

  /** Starts nothing yet. */
  constructor(start: () => CourierProcess, errand: Errand, lingerMs = linger) {
    this.#start = start;
    this.#errand = errand;
    this.#linger = lingerMs;
  }

  fetcher(timeoutMs: number, signal: AbortSignal | undefined): Fetcher {
    const deadline = new Deadline(timeoutMs);
    const ask = (what: Ask["what"], name: string, bytes: number, etag?: string): Promise<Found> =>
      this.#ask({ what, name, bytes, etag, timeoutMs: Math.ceil(deadline.left(name)) }, signal);
    return {
      metadata: async (name, most) => {
        const found = await ask("metadata", name, most);
        return found === "absent" ? undefined : bytesOf(found, name).bytes;
      },
      timestamp: async (most, etag): Promise<Timestamped | "unchanged"> => {
        const found = await ask("timestamp", "timestamp.json", most, etag);
        return found === "unchanged" && etag !== undefined ? found : bytesOf(found, "timestamp.json");
      },
      target: async (name, length) => {
        deadline.allowFor(length);
        return bytesOf(await ask("target", name, length), name).bytes;
      },
    };
  }

  /** Ends the process; whoever waits gets an error. */
  close(): void {
    this.#end("it is no longer needed");
  }

  #ask(ask: Omit<Ask, "id">, signal: AbortSignal | undefined): Promise<Found> {
    const id = (this.#last += 1);
    return new Promise<Found>((resolve, reject) => {
      if (signal?.aborted === true) return reject(new TrustError("NETWORK", `${ask.name}: given up`));
      clearTimeout(this.#leaving);
      const timer = setTimeout(() => this.#end(`${ask.name}: it did not answer`, "TIMEOUT"), ask.timeoutMs + grace);
      const abort = (): void => settle(() => reject(new TrustError("NETWORK", `${ask.name}: given up`)));
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        then();
      };
      signal?.addEventListener("abort", abort);
      this.#waiting.set(id, {
        most: ask.bytes,
        done: (found) => settle(() => resolve(found)),
        failed: (error) => settle(() => reject(error)),
      });
      try {
        this.#running().control.write(`${JSON.stringify({ id, ...ask })}\n`);
      } catch (cause) {
        this.#end("what fetches does not start", "NETWORK", cause);
      }
    });
  }

  #running(): CourierProcess {
    if (this.#process !== undefined) return this.#process;
    const started = this.#start();
    this.#process = started;
    this.#inbox = new Inbox();
    started.control.on("data", (chunk: Buffer) => this.#receive(started, chunk));
    started.control.on("error", () => undefined); // it has ended: `ended` says so
    void started.ended.then((how) => {
      if (this.#process === started) this.#end(`what fetches has ended: ${how}`);
    });
    started.control.write(`${JSON.stringify(this.#errand)}\n`);
    return started;
  }

  #receive(from: CourierProcess, chunk: Buffer): void {
    if (this.#process !== from) return;
    try {
      for (const { said, bytes } of this.#inbox.take(chunk, (id) => this.#waiting.get(id)?.most ?? -1))
        this.#answered(said, bytes);
    } catch (cause) {
      this.#end("what fetches says what it should not", "NETWORK", cause);
    }
  }

  #answered(said: Answer, bytes: Buffer): void {
    const waiting = this.#waiting.get(said.id);
    this.#waiting.delete(said.id);
    if (waiting === undefined) return;
    if ("error" in said) waiting.failed(new TrustError(said.error.code, said.error.message));
    else waiting.done("is" in said ? said.is : { bytes, etag: said.etag });
    if (this.#waiting.size === 0) this.#leaving = setTimeout(() => this.close(), this.#linger);
  }

  #end(why: string, code: "NETWORK" | "TIMEOUT" = "NETWORK", cause?: unknown): void {
    clearTimeout(this.#leaving);
    const ended = this.#process;
    this.#process = undefined;
    ended?.control.destroy();
    ended?.kill();
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { failed } of all) failed(new TrustError(code, why, { cause }));
  }
}

/** @throws TrustError where it answered something that was not asked for */
function bytesOf(found: Found, file: string): Exclude<Found, string> {
  if (typeof found !== "string") return found;
  throw new TrustError("HTTP", `${file}: the server has none`, { file, seen: found });
}

/** Lines and the bytes behind them, out of what comes in pieces. */
class Inbox {
  #parts: Buffer[] = [];
  #length = 0;
  #said: Exclude<Answer, { readonly is: unknown } | { readonly error: unknown }> | undefined;

  /** @param most bytes that may follow an answer to this request @throws TrustError */
  *take(chunk: Buffer, most: (id: number) => number): Generator<{ readonly said: Answer; readonly bytes: Buffer }> {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#said !== undefined) {
        if (this.#length < this.#said.length) return;
        const said = this.#said;
        this.#said = undefined;
        yield { said, bytes: this.#first(said.length) };
        continue;
      }
      const end = this.#lineEnd();
      if (end === undefined) return;
      const said = parseAnswer(this.#first(end + 1).toString("utf8", 0, end));
      if (!("length" in said)) yield { said, bytes: Buffer.of() };
      else if (said.length > most(said.id)) throw new TrustError("LIMIT", `${said.length} bytes that nobody asked for`);
      else this.#said = said;
    }
  }

  /** @throws TrustError where there is none for too long */
  #lineEnd(): number | undefined {
    let before = 0;
    for (const part of this.#parts) {
      const end = part.indexOf(10);
      if (end >= 0) return before + end;
      before += part.length;
    }
    if (before > longestAnswer) throw new TrustError("FORMAT", "a line without an end");
    return undefined;
  }

  #first(length: number): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] ?? Buffer.of()) : Buffer.concat(this.#parts);
    this.#parts = all.length > length ? [all.subarray(length)] : [];
    this.#length -= length;
    return all.subarray(0, length);
  }
}
