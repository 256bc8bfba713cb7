/**
 * Finds many strings in one pass: Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), with blocks of two
 * bytes. It looks at about one byte in the length of the shortest string, whatever the number of strings.
 */
export interface Search {
  /** The longest string, in bytes: pieces of one file must overlap by this less one. */
  readonly longest: number;
  /** Calls `found(needle, at)` for each occurrence that begins in `bytes[0, end)`; overlapping ones too. */
  scan(bytes: Uint8Array, end: number, found: (needle: number, at: number) => void): void;
}

const blocks = 65_536;
/** Below this a string has no block to skip by. */
export const shortestNeedle = 2;

/** Prepares a search. @throws RangeError where a needle is shorter than two bytes. */
export function makeSearch(needles: readonly Uint8Array[]): Search {
  const longest = Math.max(0, ...needles.map((n) => n.length));
  const window = Math.min(...needles.map((n) => n.length));
  if (window < shortestNeedle) throw new RangeError("a string to search for has at least two bytes");
  if (needles.length === 0) return { longest: 0, scan: () => undefined };

  // How far the window may move when it ends with this block: to the nearest place a needle's head has it, or past it.
  const shift = new Uint16Array(blocks).fill(Math.min(window - 1, 65_535));
  const ending = new Map<number, number[]>();
  for (const [index, needle] of needles.entries()) {
    for (let at = 1; at < window; at += 1) {
      const block = ((needle[at - 1] ?? 0) << 8) | (needle[at] ?? 0);
      shift[block] = Math.min(shift[block] ?? 0, window - 1 - at);
      if (at === window - 1) ending.set(block, [...(ending.get(block) ?? []), index]);
    }
  }
  const scan: Search["scan"] = (bytes, end, found) => {
    const stop = Math.min(bytes.length, end + window - 1);
    let at = window - 1;
    while (at < stop) {
      const block = ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0);
      const step = shift[block] ?? 1;
      if (step > 0) {
        at += step;
        continue;
      }
      const begin = at - window + 1;
      for (const index of ending.get(block) ?? []) if (standsAt(bytes, begin, needles[index])) found(index, begin);
      at += 1;
    }
  };
  return { longest, scan };
}

function standsAt(bytes: Uint8Array, begin: number, needle: Uint8Array | undefined): boolean {
  if (needle === undefined || begin + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i += 1) if (bytes[begin + i] !== needle[i]) return false;
  return true;
}
