import { readSync } from "node:fs";
import { contentPass, unreadContent, type Content, type ContentPlan } from "#observe/content-pass.ts";
import { why } from "#observe/read-file.ts";
import type { Range, Reads } from "#observe/reads.ts";

/** A pass under way over a file that somebody else opened and closes. */
export interface OngoingContent {
  /**
   * Reads on, by at most `budget` bytes (but always one range), and returns the content once it is known: by pread(2) at
   * places of its own, so the descriptor's offset stays. Never throws: what cannot be read is unread, with the reason.
   */
  step(budget: number): Content | undefined;
}

/**
 * Reads content synchronously from descriptors, in slices, so that other work goes on between the slices of a large file.
 * A file of up to 256 KiB takes one step. All passes share one buffer: none holds bytes between two steps.
 */
export class ContentNow {
  readonly #plan: ContentPlan;
  readonly #buffer: Buffer;

  constructor(plan: ContentPlan) {
    this.#plan = plan;
    this.#buffer = Buffer.allocUnsafeSlow(plan.longestRead);
  }

  /**
   * Begins a pass over a regular file of `size` bytes, open for reading as `descriptor`. Nothing is read yet.
   * Whether the file was written to meanwhile is for the caller to see: by its stamp before and after.
   */
  begin(descriptor: number, size: number): OngoingContent {
    return new Ongoing(contentPass(this.#plan, size), descriptor, this.#buffer);
  }
}

class Ongoing implements OngoingContent {
  readonly #pass: Reads<Content>;
  readonly #descriptor: number;
  readonly #buffer: Buffer;
  #next: IteratorResult<Range, Content> | undefined;

  constructor(pass: Reads<Content>, descriptor: number, buffer: Buffer) {
    this.#pass = pass;
    this.#descriptor = descriptor;
    this.#buffer = buffer;
  }

  step(budget: number): Content | undefined {
    this.#next ??= this.#pass.next();
    try {
      for (let read = 0; this.#next.done !== true;) {
        const { length } = this.#next.value;
        if (read > 0 && read + length > budget) return undefined;
        read += length;
        this.#next = this.#pass.next(this.#read(this.#next.value));
      }
    } catch (error) {
      this.#next = { done: true, value: unreadContent(why(error)) };
    }
    return this.#next.value;
  }

  /** The bytes of a range, fewer where the file ends. Only an odd table of sections does not fit the shared buffer. */
  #read({ offset, length }: Range): Uint8Array {
    const buffer = length <= this.#buffer.length ? this.#buffer : Buffer.allocUnsafeSlow(length);
    let got = 0;
    while (got < length) {
      const bytes = readSync(this.#descriptor, buffer, got, length - got, offset + got);
      if (bytes === 0) break;
      got += bytes;
    }
    return buffer.subarray(0, got);
  }
}
