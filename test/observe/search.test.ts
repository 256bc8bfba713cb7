import { array, assert, integer, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { makeSearch } from "#observe/search.ts";

/** Few letters, so that strings overlap, repeat and contain each other. */
function text(minLength: number, maxLength: number) {
  return uint8Array({ min: 0, max: 2, minLength, maxLength }).map((bytes) => Buffer.from(bytes));
}

test("many strings are found in one pass exactly where one after the other finds them, whatever the pieces", () => {
  assert(
    property(
      text(0, 200),
      array(text(2, 9), { minLength: 1, maxLength: 8 }),
      integer({ min: 1, max: 64 }),
      (haystack, needles, piece) => {
        const found = new Set<string>();
        const search = makeSearch(needles);
        for (let at = 0; at < haystack.length; at += piece)
          search.scan(haystack.subarray(at, at + piece + search.longest), piece, (needle, where) =>
            found.add(`${needle} ${at + where}`),
          );
        const naive = needles.flatMap((needle, i) => {
          const places: string[] = [];
          for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1))
            places.push(`${i} ${at}`);
          return places;
        });
        expect([...found].toSorted()).toEqual(naive.toSorted());
      },
    ),
    { numRuns: 2000 },
  );
});

test("nothing to look for finds nothing, and a string of one byte is refused", () => {
  makeSearch([]).scan(Buffer.from("abc"), 3, () => expect.unreachable());
  expect(() => makeSearch([Buffer.from("a")])).toThrow(RangeError);
});
