import { fstatSync } from "node:fs";
import type { Clock } from "#lib/clock.ts";
import { ContentMemory } from "#observe/content-memory.ts";
import { ContentNow, type OngoingContent } from "#observe/content-now.ts";
import { makePlan, piece, unreadContent, type Content } from "#observe/content-pass.ts";
import { stampOf, type Stamp } from "#observe/read-file.ts";
import type { Wanted } from "#policy/compile.ts";

/** Bytes read before others have their turn: a fraction of a millisecond. */
const slice = 4 * piece;
/** How often a file that is being written to is read again. */
const attempts = 3;

/** What the system knows of an open file. */
export interface FileFacts {
  /** Whether files on that device show every change in their stamps. */
  believes(fd: number, device: string): boolean;
  /** Whether nobody can write to it now, and its last change, at that time, is long enough ago for the next to show. */
  steady(fd: number, changed: number, now: number): boolean;
  /** Said before each reading, with the file's device, and after it with none. */
  reading(device: string | undefined): void;
}

/** Reads content for the gate: in slices, and each state of a file once where its stamp can be believed. */
export class GateContent {
  readonly #now: ContentNow;
  readonly #facts: FileFacts;
  readonly #clock: Clock;
  readonly #memory: ContentMemory;
  readonly #reading = new Set<string>();

  /** @throws RangeError where a marker is too short */
  constructor(wanted: Wanted, facts: FileFacts, clock: Clock) {
    const plan = makePlan(wanted);
    this.#now = new ContentNow(plan);
    this.#memory = new ContentMemory(plan.digest);
    this.#facts = facts;
    this.#clock = clock;
  }

  /** The content of an open file. Never throws; pauses after each slice. */
  *read(fd: number, stamp: Stamp): Generator<"bytes", Content, void> {
    const { key, dev } = stamp;
    if (!this.#facts.believes(fd, dev)) return yield* this.#readNow(fd, stamp, false);
    while (this.#reading.has(key)) yield "bytes"; // for somebody else who asks about the same file
    const known = this.#memory.known(key);
    if (known !== undefined) return known;
    this.#reading.add(key);
    try {
      return yield* this.#readNow(fd, stamp, true);
    } finally {
      this.#reading.delete(key);
    }
  }

  *#readNow(fd: number, { size, key, dev }: Stamp, keep: boolean): Generator<"bytes", Content, void> {
    for (let [attempt, state, length] = [1, key, size]; attempt <= attempts; attempt += 1) {
      const keeps = keep && this.#facts.steady(fd, fstatSync(fd).ctimeMs, this.#clock.now());
      const pass = this.#now.begin(fd, length);
      let content = this.#step(pass, dev);
      for (; content === undefined; content = this.#step(pass, dev)) yield "bytes";
      const after = stampOf(fstatSync(fd, { bigint: true }));
      if (after.key === state) {
        if (keeps) this.#memory.learn(state, content);
        return content;
      }
      [state, length] = [after.key, after.size];
    }
    return unreadContent("it was being written to");
  }

  #step(pass: OngoingContent, device: string): Content | undefined {
    this.#facts.reading(device);
    const content = pass.step(slice);
    this.#facts.reading(undefined);
    return content;
  }
}
