/** A range of a file, in bytes. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A range that is asked for. */
export interface Asked extends Range {
  /** What will be asked for next unless the work ends before: whoever can may read it while the work is at this one. */
  readonly ahead?: Range | undefined;
}

/**
 * Work on a file that reads nothing itself: it asks for a range, is handed the bytes (fewer than asked: the file ends
 * there) and asks on, until it returns. The bytes are the work's only until it asks again: buffers are used again.
 */
export type Reads<T> = Generator<Asked, T, Uint8Array>;

/** Does such work on a file that is in memory. */
export function readFrom<T>(bytes: Uint8Array, work: Reads<T>): T {
  let next = work.next();
  while (next.done !== true) {
    const { offset, length } = next.value;
    next = work.next(bytes.subarray(offset, offset + length));
  }
  return next.value;
}
