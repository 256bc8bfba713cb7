// The few shapes of ITU-T X.690 (DER) that an encrypted key file needs: tag, length, content.

export const tag = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;

export function encode(of: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([of, content.length]), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([of, 0x80 | short.length]), short, content]);
}

/** A number from 0 to 2^31 − 1. */
export function encodeInteger(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  let start = 0;
  while (start < 4 && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) start += 1;
  return encode(tag.integer, bytes.subarray(start));
}

/** Reads one element after the other; every misfit is a RangeError. */
export class DerReader {
  #rest: Buffer;

  constructor(bytes: Buffer) {
    this.#rest = bytes;
  }

  /** The content of the next element, which has to have this tag. */
  next(wanted: number): Buffer {
    const [found = -1, first = 0x80] = this.#rest;
    if (found !== wanted) throw new RangeError(`DER tag ${found} instead of ${wanted}`);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || more > 4 || this.#rest.length < 2 + more) throw new RangeError("DER length");
    const length = more === 0 ? first : this.#rest.readUIntBE(2, more);
    const end = 2 + more + length;
    if (end > this.#rest.length) throw new RangeError("DER content is cut off");
    const content = this.#rest.subarray(2 + more, end);
    this.#rest = this.#rest.subarray(end);
    return content;
  }

  sequence(): DerReader {
    return new DerReader(this.next(tag.sequence));
  }

  integer(): number {
    const content = this.next(tag.integer);
    if (content.length < 1 || content.length > 5) throw new RangeError("DER integer");
    return content.readIntBE(0, content.length);
  }

  oid(wanted: Buffer): void {
    if (Buffer.compare(this.next(tag.oid), wanted) !== 0) throw new RangeError("another algorithm");
  }
}
