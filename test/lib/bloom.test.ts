import { assert, property, string, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { Bloom, rollingHash } from "#lib/pure/bloom.ts";

function bloomOf(keys: readonly string[]): Bloom {
  const bloom = new Bloom(keys.length);
  for (const key of keys) bloom.add(rollingHash(key));
  return bloom;
}

test("what was added is never denied, whatever it is and however much it is", () => {
  assert(
    property(uniqueArray(string({ unit: "binary" }), { maxLength: 200 }), (keys) => {
      const bloom = bloomOf(keys);
      expect(keys.filter((key) => !bloom.perhaps(rollingHash(key)))).toEqual([]);
    }),
  );
});

test.each([1, 10, 1000, 65_536, 300_000])(
  "among %i keys alike, about one in a hundred others is perhaps there",
  (count) => {
    const bloom = bloomOf(Array.from({ length: count }, (_, i) => `@vendor/tool-${i}`));
    const others = [...Array(10_000).keys()].flatMap((i) => [`package-${i}`, `@vendor/tool-${count + i}`]);
    expect(others.filter((key) => bloom.perhaps(rollingHash(key))).length).toBeLessThan(others.length / 75);
  },
);

test("a part of a text has the hash of that part alone", () => {
  expect(rollingHash("/opt/tool/bin", 5, 9)).toBe(rollingHash("tool"));
});
