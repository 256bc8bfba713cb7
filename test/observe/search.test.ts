import { array, assert, integer, nat, oneof, property, tuple, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { makeSearch } from "#observe/search.ts";

/** Few letters, so that strings overlap, repeat and contain each other. */
function text(minLength: number, maxLength: number) {
  return uint8Array({ min: 0, max: 2, minLength, maxLength }).map((bytes) => Buffer.from(bytes));
}

/** Everything found, as "needle place", sorted: in pieces that overlap, and by looking for one string after the other. */
function inPieces(haystack: Buffer, needles: readonly Buffer[], piece: number): readonly string[] {
  const found = new Set<string>();
  const search = makeSearch(needles);
  for (let at = 0; at < haystack.length; at += piece)
    search.scan(haystack.subarray(at, at + piece + search.longest), piece, (needle, where) => {
      const what = `${needle} ${at + where}`;
      expect(found.has(what), "reported once").toBe(false);
      found.add(what);
    });
  return [...found].toSorted();
}

function naively(haystack: Buffer, needles: readonly Buffer[]): readonly string[] {
  const found: string[] = [];
  for (const [i, needle] of needles.entries())
    for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) found.push(`${i} ${at}`);
  return found.toSorted();
}

test("many strings are found in one pass exactly where one after the other finds them, whatever the pieces", () => {
  assert(
    property(
      text(0, 200),
      oneof(
        array(text(2, 9), { minLength: 1, maxLength: 8 }),
        array(text(3, 7), { minLength: 8, maxLength: 16 }), // enough that they share their blocks
      ),
      integer({ min: 1, max: 64 }),
      (haystack, needles, piece) => {
        expect(inPieces(haystack, needles, piece)).toEqual(naively(haystack, needles));
      },
    ),
    { numRuns: 2000 },
  );
});

test("strings cut from a text are found in it: short and long ones, alike ones, and one that ends where it ends", () => {
  assert(
    property(
      uint8Array({ minLength: 600, maxLength: 4000 }).map((bytes) => Buffer.from(bytes)),
      array(tuple(nat(3999), integer({ min: 2, max: 500 })), { minLength: 1, maxLength: 40 }),
      integer({ min: 50, max: 5000 }),
      (haystack, cuts, piece) => {
        const needles = cuts
          .map(([at, length]) => haystack.subarray(at % haystack.length).subarray(0, length))
          .filter((needle) => needle.length >= 2);
        const all = [...needles, haystack.subarray(-300), haystack.subarray(-300, -1), haystack.subarray(0, 300)];
        expect(inPieces(haystack, all, piece)).toEqual(naively(haystack, all));
      },
    ),
    { numRuns: 200 },
  );
});

test("nothing to look for finds nothing, and a string of one byte is refused", () => {
  makeSearch([]).scan(Buffer.from("abc"), 3, () => expect.unreachable());
  expect(() => makeSearch([Buffer.from("a")])).toThrow(RangeError);
});
