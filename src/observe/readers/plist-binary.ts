import { viewOf } from "#observe/readers/bytes.ts";

/** What the trailer says of the objects: how wide their numbers are, how many there are, and where. */
interface Table {
  readonly bytes: Uint8Array;
  readonly referenceSize: number;
  readonly offsets: (index: number) => number | undefined;
}

const trailer = 32;
const mostObjects = 100_000;
/** Keys of one dictionary that are looked at. */
const mostKeys = 4096;

/**
 * The texts in the topmost dictionary of a binary property list (CoreFoundation, CFBinaryPList.c: "bplist00"), by their keys;
 * undefined where it is none. Only what it directly refers to is looked at, so nothing can lead back to itself.
 */
export function parseBinaryPlist(bytes: Uint8Array): ReadonlyMap<string, string> | undefined {
  if (bytes.length < 8 + trailer || Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== "bplist00")
    return undefined;
  const end = viewOf(bytes.subarray(-trailer));
  const [offsetSize, referenceSize] = [end.getUint8(6), end.getUint8(7)];
  const [count, top, at] = [8, 16, 24].map((place) => Number(end.getBigUint64(place)));
  if (count === undefined || top === undefined || at === undefined || count > mostObjects) return undefined;
  if (!fits(offsetSize) || !fits(referenceSize) || at + count * offsetSize > bytes.length - trailer) return undefined;
  const offsets = (index: number): number | undefined =>
    index < count ? numberAt(bytes, at + index * offsetSize, offsetSize) : undefined;
  return dictionaryOf({ bytes, referenceSize, offsets }, offsets(top));
}

function fits(size: number): boolean {
  return size >= 1 && size <= 6;
}

/** A number with its greater byte first; undefined past the end. */
function numberAt(bytes: Uint8Array, at: number, size: number): number | undefined {
  if (at + size > bytes.length) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(at, size);
}

function dictionaryOf(table: Table, at: number | undefined): ReadonlyMap<string, string> | undefined {
  const head = at === undefined ? undefined : headAt(table.bytes, at);
  if (head?.kind !== 0xd || head.count > mostKeys) return undefined;
  const texts = new Map<string, string>();
  for (let i = 0; i < head.count; i += 1) {
    const [key, value] = [i, head.count + i].map((place) => textAt(table, head.body + place * table.referenceSize));
    if (key === undefined) return undefined;
    if (value !== undefined && !texts.has(key)) texts.set(key, value);
  }
  return texts;
}

/** The kind of an object and its count, which is another object where it is 15 or more. */
function headAt(
  bytes: Uint8Array,
  at: number,
): { readonly kind: number; readonly count: number; readonly body: number } | undefined {
  const marker = bytes[at];
  if (marker === undefined) return undefined;
  const [kind, low] = [marker >> 4, marker & 0xf];
  if (low !== 0xf) return { kind, count: low, body: at + 1 };
  const size = 2 ** ((bytes[at + 1] ?? 0) & 0xf);
  const count = size <= 4 ? numberAt(bytes, at + 2, size) : undefined;
  return count === undefined || (bytes[at + 1] ?? 0) >> 4 !== 1 ? undefined : { kind, count, body: at + 2 + size };
}

/** The text that the reference at a place leads to; undefined where it leads to something else. */
function textAt({ bytes, referenceSize, offsets }: Table, at: number): string | undefined {
  const index = numberAt(bytes, at, referenceSize);
  const place = index === undefined ? undefined : offsets(index);
  const head = place === undefined ? undefined : headAt(bytes, place);
  if (head?.kind !== 5 && head?.kind !== 6) return undefined;
  const length = head.kind === 5 ? head.count : head.count * 2;
  if (head.body + length > bytes.length) return undefined;
  const text = bytes.subarray(head.body, head.body + length);
  return head.kind === 5 ? Buffer.from(text).toString("latin1") : new TextDecoder("utf-16be").decode(text);
}
