import { createInterface } from "node:readline";
import type { Generation } from "#trust/generation.ts";
import type { GateProcess } from "#platform/gate.ts";
import { fromGateSchema, type Begin, type FromGate, type ToGate } from "#protocol/gate.ts";

/** Milliseconds: compiling the largest policy on a busy machine, and no longer. */
const patience = 60_000;

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
  #alive = true;
  #finishing = false;

  constructor(process: GateProcess, generation: Generation, hear: (message: FromGate) => void) {
    this.generation = generation;
    this.#process = process;
    this.#hear = hear;
    this.ended = process.ended.then((how) => {
      this.#alive = false;
      return how;
    });
    this.#ready.promise.catch(() => undefined); // whoever begins it waits for it
    void this.ended.then((how) => this.#ready.reject(new Error(`it ended before it was ready: ${how}`)));
    createInterface({ input: process.control, crlfDelay: Infinity }).on("line", (line) => this.#take(line));
  }

  get pid(): number {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** It was told to end: its end is no fault. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Gives it the policy; resolves when it asks the kernel to be asked. @throws Error with its reason */
  async begin(line: Omit<Begin, "say" | "policy" | "catalog">): Promise<Marks> {
    const { policy, catalog } = this.generation;
    const begin: Begin = { say: "begin", policy: policy.length, catalog: catalog.length, ...line };
    this.#process.control.write(`${JSON.stringify(begin)}\n`);
    this.#process.control.write(policy);
    this.#process.control.write(catalog);
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

  #take(line: string): void {
    const message = fromGateSchema.parse(JSON.parse(line));
    if (message.say === "ready") this.#ready.resolve(message);
    else if (message.say === "failed") this.#ready.reject(new Error(message.why));
    else this.#hear(message);
  }
}
