import { ContentMemory } from "#observe/content-memory.ts";
import { contentPass, makePlan, piece, unreadContent, type Content, type ContentPlan } from "#observe/content-pass.ts";
import { stampOf, why, type Opened } from "#observe/read-file.ts";
import { readThrough } from "#observe/read-through.ts";
import type { Wanted } from "#policy/compile.ts";

/** Reads hashes and markers; each state of each file once, whatever it is called. */
export class ContentReader {
  /** What it has read, or was told. */
  readonly memory: ContentMemory;
  readonly #plan: ContentPlan;
  readonly #running = new Map<string, Promise<Content>>();
  /** Buffers at rest: allocating one a file leaves the process far larger than it is. */
  readonly #buffers: Buffer[] = [];

  /** @throws RangeError where a needle is shorter than two bytes */
  constructor(wanted: Wanted) {
    this.#plan = makePlan(wanted);
    this.memory = new ContentMemory(this.#plan.digest);
  }

  /** The file's content, from memory where this state of it was read before. Never throws; does not close the file. */
  async read(opened: Opened): Promise<Content> {
    const { key } = opened.stamp;
    const known = this.memory.known(key);
    if (known !== undefined) return known;
    const running = this.#running.get(key) ?? this.#readNow(opened);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #readNow(opened: Opened): Promise<Content> {
    const { size } = opened.stamp;
    const buffer = this.#buffer();
    // Only where nobody else reads: several files are read beside each other as it is.
    const second = size > piece && this.#running.size === 0 ? this.#buffer() : undefined;
    try {
      const content = await readThrough(opened, contentPass(this.#plan, size), buffer, second);
      const after = stampOf(await opened.file.stat({ bigint: true }));
      if (after.key === opened.stamp.key) this.memory.learn(after.key, content); // else it was written to meanwhile
      return content;
    } catch (error) {
      return unreadContent(why(error));
    } finally {
      this.#buffers.push(buffer, ...(second === undefined ? [] : [second]));
    }
  }

  #buffer(): Buffer {
    return this.#buffers.pop() ?? Buffer.allocUnsafeSlow(this.#plan.longestRead);
  }
}
