import { patienceFor } from "#agent/watchdog.ts";
import type { Generation } from "#trust/generation.ts";
import type { GateProcess } from "#platform/gate.ts";
import { bytesOf } from "#policy/ready.ts";
import { fromGateSchema, type Begin, type Briefing, type FromGate, type ToGate } from "#protocol/gate.ts";

/** Bytes of one line: what it says names paths of at most 4 KiB, and the markers that were found. */
const longestLine = 1024 * 1024;
export type Pong = Extract<FromGate, { say: "pong" }>;
export type Marks = Pick<Extract<FromGate, { say: "marks" }>, "devices" | "left">;

/** One gate process, from the agent's side. */
export class GateLine {
  readonly generation: Generation;
  /** How it ended. */
  readonly ended: Promise<string>;
  readonly #process: GateProcess;
  readonly #hear: (message: FromGate) => void;
  readonly #ready = Promise.withResolvers<Marks>();
  #rest: Buffer = Buffer.of();
  /** Why it is listened to no more, before it ends. */
  #why: string | undefined;
  #alive = true;
  #finishing = false;
  #stoodOn: string | undefined;

  constructor(process: GateProcess, generation: Generation, hear: (message: FromGate) => void) {
    this.generation = generation;
    this.#process = process;
    this.#hear = hear;
    this.ended = process.ended.then(({ how, stoodOn }) => {
      this.#alive = false;
      this.#stoodOn = stoodOn;
      return this.#why ?? how;
    });
    this.#ready.promise.catch(() => undefined); // whoever begins it waits for it
    void this.ended.then((how) => this.#ready.reject(new Error(`it ended before it was ready: ${how}`)));
    process.control.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  get pid(): number {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** When it has ended: the device that it stood still on, where it did. */
  get stoodOn(): string | undefined {
    return this.#stoodOn;
  }

  /** It was told to end: its end is no fault. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Gives it the policy; resolves when it asks the kernel to be asked. @throws Error with its reason */
  async begin(briefing: Briefing): Promise<Marks> {
    const { policy, catalog, groups, exceptions } = this.generation;
    const begin: Begin = {
      say: "begin",
      policy: policy.length,
      catalog: catalog.length,
      groups: [...groups].map(([name, { length }]) => [name, length]),
      exceptions: exceptions?.length ?? null,
      ...briefing,
    };
    this.#process.control.write(`${JSON.stringify(begin)}\n`);
    for (const bytes of [policy, catalog, ...groups.values(), ...(exceptions === undefined ? [] : [exceptions])])
      this.#process.control.write(bytes);
    const patience = patienceFor(bytesOf(this.generation));
    const timer = setTimeout(() => this.#ready.reject(new Error("it was not ready in time")), patience);
    try {
      return await this.#ready.promise;
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  say(message: ToGate): void {
    if (this.#alive) this.#process.control.write(`${JSON.stringify(message)}\n`);
  }

  finish(): void {
    this.#finishing = true;
    this.say({ say: "finish" });
  }

  kill(): void {
    this.#process.kill();
  }

  /** Whole lines only: a process that is killed may leave half of one behind. */
  #receive(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#take(rest.toString("utf8", 0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longestLine) this.#distrust("it said a line without an end");
    else this.#rest = rest;
  }

  #take(line: string): void {
    if (this.#why !== undefined) return;
    const message = parsed(line);
    if (message === undefined) return this.#distrust("it said what no gate says");
    if (message.say === "ready") return this.#ready.resolve(message);
    if (message.say === "failed") {
      this.#why = message.why;
      return this.#ready.reject(new Error(message.why));
    }
    this.#hear(message);
  }

  /** It reads strangers' files, and one of them may have got the better of it. */
  #distrust(why: string): void {
    this.#why = why;
    this.#rest = Buffer.of();
    this.kill();
  }
}

function parsed(line: string): FromGate | undefined {
  try {
    return fromGateSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
