/** JSON (RFC 8259) from bytes nobody trusts: bounds and strictness first, JSON.parse after, and errors that name the place. */

import { JsonError, lineOf, Scanner, type JsonBounds } from "#lib/pure/json-scanner.ts";
import { whole, type Pieces } from "#lib/pure/pieces.ts";

/** Bounds of everything the product reads; the size of the whole differs. */
export const jsonBounds = { depth: 16, string: 4096 } as const;

/**
 * The value of a JSON text. Refused besides what RFC 8259 refuses: a byte order mark, comments, duplicate keys, keys with
 * escapes, the key __proto__, halves of surrogate pairs, and whatever is past a bound.
 * @throws JsonError
 */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds): unknown {
  return whole(jsonInPieces(bytes, bounds));
}

/** @throws JsonError as `parseJson` */
export function* jsonInPieces(bytes: Uint8Array, bounds: JsonBounds): Pieces<unknown> {
  if (bytes.length > bounds.bytes)
    throw new JsonError("bounds", `the text has ${bytes.length} bytes, the bound is ${bounds.bytes}`, [], 1);
  const mark = byteOrderMark(bytes);
  if (mark !== undefined)
    throw new JsonError("encoding", `the text begins with ${mark}; write UTF-8 without it`, [], 1);
  const text = decode(bytes);
  new Scanner(bytes, bounds).scan();
  yield;
  const value: unknown = JSON.parse(text);
  return value;
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return "a byte order mark";
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return "the byte order mark of UTF-16";
  return undefined;
}

function decode(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new JsonError("encoding", "the text is not UTF-8", [], lineOf(bytes, firstBadByte(bytes)), { cause });
  }
}

/** The beginning of the first line that is not UTF-8: no character is cut there. */
function firstBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let from = 0;
  for (let i = 0; i <= bytes.length; i += 1) {
    if (i < bytes.length && bytes[i] !== 0x0a) continue;
    try {
      decoder.decode(bytes.subarray(from, i));
    } catch {
      return from;
    }
    from = i + 1;
  }
  return bytes.length;
}
