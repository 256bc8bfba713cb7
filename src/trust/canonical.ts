import { TrustError } from "#trust/error.ts";

/** Deeper than any role nests; a bound, so that brackets cannot exhaust the stack. */
const maxDepth = 40;

/**
 * The bytes that signatures are over: canonical JSON as TUF 1.0 section 4.2.1 takes it from OLPC: no white space, keys in
 * order of code points, integers only, and in strings only `"` and `\` are escaped.
 * @throws TrustError FORMAT for what has no such form
 */
export function canonicalJson(value: unknown): Buffer {
  const parts: string[] = [];
  write(value, parts, 0);
  return Buffer.from(parts.join(""));
}

function write(value: unknown, out: string[], depth: number): void {
  if (depth > maxDepth) throw new TrustError("FORMAT", `nested deeper than ${maxDepth} levels`);
  if (typeof value === "string") out.push(quoted(value));
  else if (typeof value === "boolean" || value === null) out.push(String(value));
  else if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TrustError("FORMAT", `${value} is not an integer that is exact`);
    out.push(String(value));
  } else if (Array.isArray(value)) {
    let comma = "[";
    for (const item of value) {
      out.push(comma);
      write(item, out, depth + 1);
      comma = ",";
    }
    out.push(value.length === 0 ? "[]" : "]");
  } else if (typeof value === "object") {
    let comma = "{";
    const members = Object.entries(value).toSorted(([a], [b]) => compareCodePoints(a, b));
    for (const [key, member] of members) {
      out.push(comma, quoted(key), ":");
      write(member, out, depth + 1);
      comma = ",";
    }
    out.push(members.length === 0 ? "{}" : "}");
  } else throw new TrustError("FORMAT", `${typeof value} is not JSON`);
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TrustError("FORMAT", "a string is not Unicode");
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
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
