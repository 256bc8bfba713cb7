import { fstatSync } from "node:fs";
import { ContentNow } from "#observe/content-now.ts";
import { makePlan, piece, unreadContent, type Content } from "#observe/content-pass.ts";
import { Lru } from "#observe/lru.ts";
import { stampOf, type Stamp } from "#observe/read-file.ts";
import type { Wanted } from "#policy/compile.ts";

const remembered = 20_000;
/** Bytes read before others have their turn: about a millisecond. */
const slice = 4 * piece;
/** How often a file that is being written to is read again. */
const attempts = 3;

/** Reads content for the gate: in slices, each state of a file once where its stamp can be believed. */
export class GateContent {
  readonly #now: ContentNow;
  readonly #believes: (fd: number, device: string) => boolean;
  readonly #known = new Lru<string, Content>(remembered);
  readonly #reading = new Set<string>();

  /** `believes`: whether a file on that device cannot change without its stamp changing. @throws RangeError where a marker is too short */
  constructor(wanted: Wanted, believes: (fd: number, device: string) => boolean) {
    this.#now = new ContentNow(makePlan(wanted));
    this.#believes = believes;
  }

  /** The content of an open file. Never throws; pauses after each slice. */
  *read(fd: number, stamp: Stamp): Generator<"bytes", Content, void> {
    const { key, dev } = stamp;
    if (!this.#believes(fd, dev)) return yield* this.#readNow(fd, stamp);
    while (this.#reading.has(key)) yield "bytes"; // somebody else's question about the same file
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#reading.add(key);
    try {
      return yield* this.#readNow(fd, stamp);
    } finally {
      this.#reading.delete(key);
    }
  }

  *#readNow(fd: number, { size, key }: Stamp): Generator<"bytes", Content, void> {
    for (let [attempt, state, length] = [1, key, size]; attempt <= attempts; attempt += 1) {
      const pass = this.#now.begin(fd, length);
      let content = pass.step(slice);
      for (; content === undefined; content = pass.step(slice)) yield "bytes";
      const after = stampOf(fstatSync(fd, { bigint: true }));
      if (after.key === state) {
        this.#known.set(state, content);
        return content;
      }
      [state, length] = [after.key, after.size];
    }
    return unreadContent("it was being written to");
  }
}
