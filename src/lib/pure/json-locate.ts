import { lineOf, type JsonPath } from "#lib/pure/json-scanner.ts";

/**
 * The line, from 1, on which the value at a path begins; where the path ends earlier, the line of its last part that is
 * there. For texts that `parseJson` has read.
 */
export function locate(bytes: Uint8Array, path: JsonPath): number {
  let at = skipSpace(bytes, 0);
  for (const step of path) {
    const next = typeof step === "number" ? element(bytes, at, step) : member(bytes, at, step);
    if (next === undefined) break;
    at = next;
  }
  return lineOf(bytes, at);
}

function member(bytes: Uint8Array, object: number, key: string): number | undefined {
  if (bytes[object] !== 0x7b) return undefined;
  let at = skipSpace(bytes, object + 1);
  while (bytes[at] === 0x22) {
    const end = skipString(bytes, at);
    const name = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(at + 1, end - 1));
    const value = skipSpace(bytes, skipSpace(bytes, end) + 1);
    if (name === key) return value;
    at = skipComma(bytes, skipValue(bytes, value));
  }
  return undefined;
}

function element(bytes: Uint8Array, array: number, index: number): number | undefined {
  if (bytes[array] !== 0x5b) return undefined;
  let at = skipSpace(bytes, array + 1);
  for (let i = 0; at < bytes.length && bytes[at] !== 0x5d; i += 1) {
    if (i === index) return at;
    at = skipComma(bytes, skipValue(bytes, at));
  }
  return undefined;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] ?? 0) <= 0x20) at += 1;
  return at;
}

function skipComma(bytes: Uint8Array, from: number): number {
  const at = skipSpace(bytes, from);
  return bytes[at] === 0x2c ? skipSpace(bytes, at + 1) : at;
}

function skipString(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return at + 1;
}

function skipValue(bytes: Uint8Array, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const c = bytes[at] ?? 0;
    if (c === 0x22) {
      at = skipString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (c === 0x7b || c === 0x5b) depth += 1;
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (c === 0x2c || c <= 0x20)) return at;
    at += 1;
  }
  return at;
}
