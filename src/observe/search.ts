import { viewOf } from "#observe/readers/bytes.ts";

/**
 * Finds many strings in one pass: Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), with blocks of two
 * bytes. It looks at about one byte in the length of the shortest string, whatever the number of strings.
 */
export interface Search {
  /** The longest string, in bytes: pieces of one file must overlap by this less one. */
  readonly longest: number;
  /** Calls `found(needle, at)` for each occurrence that begins in `bytes[0, end)`, in no order; overlapping ones too. */
  scan(bytes: Uint8Array, end: number, found: (needle: number, at: number) => void): void;
}

const blocks = 65_536;
/** Below this a string has no block to skip by. */
export const shortestNeedle = 2;
/** So many bytes at once of every string decide how far may be skipped; longer windows would not fit a byte. */
const widestWindow = 256;

/** Which strings have their window end with one block, and how far into the string that window begins. */
interface Candidate {
  readonly index: number;
  readonly needle: Uint8Array;
  readonly from: number;
}

/** Prepares a search. @throws RangeError where a needle is shorter than two bytes. */
export function makeSearch(needles: readonly Uint8Array[]): Search {
  let [longest, window] = [0, widestWindow];
  for (const { length } of needles) [longest, window] = [Math.max(longest, length), Math.min(window, length)];
  if (window < shortestNeedle) throw new RangeError("a string to search for has at least two bytes");
  if (needles.length === 0) return { longest: 0, scan: () => undefined };
  const candidates = candidatesOf(needles, window);
  const shift = shiftsOf(candidates, window);

  const scan: Search["scan"] = (bytes, end, found) => {
    const view = viewOf(bytes);
    /** Looks at the window that ends at `at`; returns how far the next one lies. */
    const look = (at: number): number => {
      for (const { index, needle, from } of candidates.get(blockAt(view, at)) ?? []) {
        const begin = at - window + 1 - from;
        if (begin >= 0 && begin < end && standsAt(bytes, begin, needle)) found(index, begin);
      }
      return 1;
    };
    const stop = Math.min(bytes.length, end + longest - 1);
    const quarter = Math.max(0, (stop - window + 1) >> 2);
    // Each look-up waits for the one before it: four lanes side by side keep the processor busy, at twice the speed.
    let a = window - 1;
    const [aEnd, bEnd, cEnd] = [a + quarter, a + 2 * quarter, a + 3 * quarter];
    let [b, c, d] = [aEnd, bEnd, cEnd];
    while (a < aEnd && b < bEnd && c < cEnd && d < stop) {
      const stepA = shift[blockAt(view, a)] ?? 1;
      const stepB = shift[blockAt(view, b)] ?? 1;
      const stepC = shift[blockAt(view, c)] ?? 1;
      const stepD = shift[blockAt(view, d)] ?? 1;
      a += stepA > 0 ? stepA : look(a);
      b += stepB > 0 ? stepB : look(b);
      c += stepC > 0 ? stepC : look(c);
      d += stepD > 0 ? stepD : look(d);
    }
    for (const [from, to] of [[a, aEnd] as const, [b, bEnd] as const, [c, cEnd] as const, [d, stop] as const])
      for (let at = from; at < to;) {
        const step = shift[blockAt(view, at)] ?? 1;
        at += step > 0 ? step : look(at);
      }
  };
  return { longest, scan };
}

/** The block that ends at `at`. */
function blockAt(bytes: DataView, at: number): number {
  return bytes.getUint16(at - 1, true);
}

/**
 * A window of each string, by the block it ends with: of all its windows the one whose block the fewest strings have, so that
 * a thousand strings that begin alike are not all compared wherever that beginning stands.
 */
function candidatesOf(needles: readonly Uint8Array[], window: number): ReadonlyMap<number, readonly Candidate[]> {
  const candidates = new Map<number, Candidate[]>();
  for (const [index, needle] of needles.entries()) {
    const view = viewOf(needle);
    let [from, fewest] = [0, Infinity];
    for (let begin = 0; begin + window <= needle.length && fewest > 0; begin += 1) {
      const count = candidates.get(blockAt(view, begin + window - 1))?.length ?? 0;
      if (count < fewest) [from, fewest] = [begin, count];
    }
    const block = blockAt(view, from + window - 1);
    const sharing = candidates.get(block) ?? [];
    sharing.push({ index, needle, from });
    candidates.set(block, sharing);
  }
  return candidates;
}

/** How far the window may move when it ends with this block: to the nearest place where a string's window has it, or past it. */
function shiftsOf(candidates: ReadonlyMap<number, readonly Candidate[]>, window: number): Uint8Array {
  const shift = new Uint8Array(blocks).fill(window - 1);
  for (const { needle, from } of [...candidates.values()].flat()) {
    const view = viewOf(needle);
    for (let at = 1; at < window; at += 1) {
      const block = blockAt(view, from + at);
      shift[block] = Math.min(shift[block] ?? 0, window - 1 - at);
    }
  }
  return shift;
}

function standsAt(bytes: Uint8Array, begin: number, needle: Uint8Array): boolean {
  if (begin + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i += 1) if (bytes[begin + i] !== needle[i]) return false;
  return true;
}
