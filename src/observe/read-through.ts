import type { Opened } from "#observe/read-file.ts";
import type { Range, Reads } from "#observe/reads.ts";

/**
 * Does work on an open file, in `room` as far as that is enough; where `second` is given, what the work asks for ahead is read
 * there while the work is at what it has. @throws Node's system error where it cannot be read. Does not close it.
 */
export async function readThrough<T>(
  { file }: Opened,
  work: Reads<T>,
  room: Buffer = Buffer.alloc(0),
  second?: Buffer,
): Promise<T> {
  let [free, other] = [room, second];
  let begun: Promise<Uint8Array> | undefined;
  try {
    for (let next = work.next(); ;) {
      if (next.done === true) return next.value;
      const { ahead } = next.value;
      const bytes = await (begun ?? read(file, next.value, free));
      begun = undefined;
      if (ahead !== undefined && other !== undefined) {
        [free, other] = [other, free];
        begun = read(file, ahead, free);
      }
      next = work.next(bytes);
    }
  } finally {
    await begun?.catch(() => undefined); // until then it writes to a buffer that others will use
  }
}

/** The bytes of a range, fewer where the file ends. */
async function read(file: Opened["file"], { offset, length }: Range, room: Buffer): Promise<Uint8Array> {
  const buffer = room.length < length ? Buffer.allocUnsafeSlow(length) : room;
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(buffer, got, length - got, offset + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return buffer.subarray(0, got);
}
