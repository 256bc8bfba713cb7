import type { Range, Reads } from "#observe/reads.ts";

/** The numbers in a piece of a file. Its own methods throw past the end: the length is looked at first. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** All bytes of a range, or undefined where it is not wholly inside the file, or is longer than `most`. */
export function* readWhole({ offset, length }: Range, fileSize: number, most: number): Reads<Uint8Array | undefined> {
  if (!(offset >= 0 && length > 0 && length <= most && offset + length <= fileSize)) return undefined;
  const bytes = yield { offset, length };
  return bytes.length === length ? bytes : undefined;
}

/** Up to `most` bytes from a place on, as many as the file has there. */
export function* readUpTo(offset: number, fileSize: number, most: number): Reads<Uint8Array> {
  if (!(offset >= 0 && offset < fileSize && most > 0)) return new Uint8Array();
  return yield { offset, length: Math.min(most, fileSize - offset) };
}

/** Latin-1 text up to the first NUL, or to the end. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("latin1");
}
