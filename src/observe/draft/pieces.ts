import type { Range, Reads } from "#observe/reads.ts";

/** How a file's text is cut into pieces that might mark it. */
export interface Cut {
  readonly encoding: "utf8" | "utf16le";
  /** The bytes that end a piece, besides all that are not printable ASCII. */
  readonly ends: string;
  /** Bytes, or UTF-16 units. Longer pieces are looked at in parts of this length. */
  readonly most: number;
}

/** Different pieces that are counted; what comes after them is not looked at. */
const mostPieces = 50_000;
const chunk = 256 * 1024;
const least = 8;

/** Counts the pieces of a range of a file that `names` says yes to; bounded in memory, whatever the file holds. */
export function* countPieces(
  { offset, length }: Range,
  cut: Cut,
  names: (piece: string) => boolean,
): Reads<ReadonlyMap<string, number>> {
  const width = cut.encoding === "utf8" ? 1 : 2;
  const inside = insideTable(cut.ends);
  const most = cut.most * width;
  const counts = new Map<string, number>();
  const end = offset + length;
  for (let at = offset; at < end;) {
    const asked = Math.min(chunk, end - at);
    const bytes = Buffer.from(yield { offset: at, length: asked });
    const last = at + bytes.length >= end || bytes.length < asked;
    // Half a UTF-16 unit at the edge belongs to what is read next.
    const whole = last ? bytes.length : bytes.length - width + 1;
    let start = 0;
    let i = 0;
    const take = (): void => {
      if (i - start < least * width) return;
      const piece = bytes.toString(cut.encoding === "utf8" ? "latin1" : "utf16le", start, i).trim();
      const known = counts.get(piece);
      if (known === undefined && (counts.size >= mostPieces || !names(piece))) return;
      counts.set(piece, (known ?? 0) + 1);
    };
    while (i < whole) {
      const part = inside[bytes[i] ?? 0] === 1 && (width === 1 || bytes[i + 1] === 0);
      if (part && i - start < most) i += width;
      else {
        take();
        i += part ? 0 : 1;
        start = i;
      }
    }
    if (last) {
      take();
      return counts;
    }
    // A piece that goes on is begun again with the next bytes.
    at += start === 0 ? bytes.length : start;
  }
  return counts;
}

function insideTable(ends: string): Uint8Array {
  const table = new Uint8Array(256).fill(1, 0x20, 0x7f);
  for (const end of Buffer.from(ends, "latin1")) table[end] = 0;
  return table;
}
