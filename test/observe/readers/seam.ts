import { array, assert, constantFrom, nat, property, tuple, uint8Array } from "fast-check";
import { expect } from "vitest";
import type { Range, Reads } from "#observe/reads.ts";

/** The longest range that any parser of a format asks for at once, in bytes. */
const longest = 16 * 1024 * 1024;

/**
 * Does a parser's work over bytes as the real seam does, with a buffer that is used again: what it was handed is spoiled once
 * it asks on. Every range that it asks for must be inside the file; only an ELF reader asks for a whole header at once.
 */
export function seam<T>(bytes: Uint8Array, work: Reads<T>, asked: Range[] = []): T {
  let handed = new Uint8Array();
  let next = work.next();
  while (next.done !== true) {
    const { offset, length } = next.value;
    expect(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0).toBe(true);
    expect(length).toBeLessThanOrEqual(longest);
    expect(offset + length).toBeLessThanOrEqual(Math.max(64, bytes.length));
    asked.push({ offset, length });
    handed.fill(0xaa);
    handed = Uint8Array.prototype.slice.call(bytes, offset, offset + length);
    next = work.next(handed);
  }
  return next.value;
}

/**
 * Calls `parse` with what is left of `real` after every 64th byte, with noise, and with `real` in which some bytes were
 * changed: to noise, and to numbers that are traps. Says how often. @throws what `parse` throws, and where it reads outside
 */
export function hostile(real: Uint8Array, parse: (bytes: Uint8Array) => unknown, numRuns = 4000): number {
  let calls = 0;
  const call = (bytes: Uint8Array): void => {
    calls += 1;
    parse(bytes);
  };
  for (let at = 0; at < real.length; at += 64) call(real.subarray(0, at));
  const noise = uint8Array({ maxLength: 2000 });
  assert(property(noise, call), { numRuns: 200 });
  const trap = constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x30);
  const change = tuple(nat(Math.max(0, real.length - 1)), uint8Array({ minLength: 1, maxLength: 8 }), trap, nat(2));
  assert(
    property(array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const spoilt = Uint8Array.from(real);
      for (const [at, bytes, fill, how] of changes)
        spoilt.set((how === 0 ? bytes : bytes.fill(fill)).subarray(0, spoilt.length - at), at);
      call(spoilt);
    }),
    { numRuns },
  );
  return calls;
}
