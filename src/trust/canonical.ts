import { TrustError } from "#trust/error.ts";
import { isObject } from "#trust/fields.ts";

/** Deeper than any role nests; a bound, so that brackets cannot exhaust the stack. */
const maxDepth = 40;

/**
 * The bytes that signatures are over: canonical JSON as TUF 1.0 section 4.2.1 takes it from OLPC: no white space, keys in
 * order of code points, integers only, and in strings only `"` and `\` are escaped.
 * @throws TrustError FORMAT for what has no such form
 */
export function canonicalJson(value: unknown): Buffer {
  return Buffer.from(written(value, 0));
}

function written(value: unknown, depth: number): string {
  if (depth > maxDepth) throw new TrustError("FORMAT", `nested deeper than ${maxDepth} levels`);
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TrustError("FORMAT", `${value} is not an integer that is exact`);
    return String(value);
  }
  // Text is joined as it comes: a list of all the pieces takes more memory than what it is made of.
  let [text, comma] = ["", ""];
  if (Array.isArray(value)) {
    for (const item of value) {
      text += comma + written(item, depth + 1);
      comma = ",";
    }
    return `[${text}]`;
  }
  if (!isObject(value)) throw new TrustError("FORMAT", `${typeof value} is not JSON`);
  for (const key of inOrder(Object.keys(value))) {
    text += `${comma}${quoted(key)}:${written(value[key], depth + 1)}`;
    comma = ",";
  }
  return `{${text}}`;
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TrustError("FORMAT", "a string is not Unicode");
  return /[\\"]/.test(text) ? `"${text.replace(/[\\"]/g, "\\$&")}"` : `"${text}"`;
}

/** JavaScript compares code units, and that is the order of code points up to where surrogates begin. */
function inOrder(keys: readonly string[]): readonly string[] {
  return keys.some((key) => /[\ud800-\uffff]/.test(key)) ? keys.toSorted(compareCodePoints) : keys.toSorted();
}

/** UTF-16 puts U+E000–U+FFFF after the surrogate pairs of what comes later: those two ranges are swapped back. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
