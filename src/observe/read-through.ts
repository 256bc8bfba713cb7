import type { Opened } from "#observe/read-file.ts";
import type { Reads } from "#observe/reads.ts";

/**
 * Does work on an open file, in `room` as far as that is enough. @throws Node's system error where it cannot be read. Does not
 * close it.
 */
export async function readThrough<T>({ file }: Opened, work: Reads<T>, room: Buffer = Buffer.alloc(0)): Promise<T> {
  let buffer = room;
  let next = work.next();
  while (next.done !== true) {
    const { offset, length } = next.value;
    if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(length);
    let got = 0;
    while (got < length) {
      const { bytesRead } = await file.read(buffer, got, length - got, offset + got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    next = work.next(buffer.subarray(0, got));
  }
  return next.value;
}
