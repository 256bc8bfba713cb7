import { expect, test } from "vitest";
import { canonicalJson } from "#trust/canonical.ts";

test.each([
  [{ b: 1, a: [true, null, 'x"\\\n'] }, '{"a":[true,null,"x\\"\\\\\n"],"b":1}'],
  [{ "\u{1F600}": 1, "\uFF5E": 2 }, '{"\uFF5E":2,"\u{1F600}":1}'],
  [{}, "{}"],
  [[], "[]"],
  ['"', '"\\""'],
  ["\\", '"\\\\"'],
])("%j has one canonical form", (value, wanted) => {
  expect(canonicalJson(value).toString()).toBe(wanted);
});

test.each<[value: unknown, why: string]>([
  [1.5, "1.5 is not an integer that is exact"],
  [2 ** 53, "9007199254740992 is not an integer that is exact"],
  ["\ud800", "a string is not Unicode"],
  [undefined, "undefined is not JSON"],
])("%j has no canonical form", (value, why) => {
  expect(() => canonicalJson({ value })).toThrow(expect.objectContaining({ code: "FORMAT", message: why }));
});

test("keys stand in the order of their code points, which is that of their UTF-8 bytes", () => {
  const keys = ["", "a", "ab", "b", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{103fe}", "\u{103ff}", "\u{10ffff}"];
  const pairs = keys.flatMap((a) => keys.filter((b) => a !== b).map((b) => [a, b] as const));
  for (const pair of [...pairs, keys, keys.toReversed()]) {
    const ordered = pair.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const value = Object.fromEntries(pair.map((key) => [key, 1]));
    expect(canonicalJson(value).toString()).toBe(`{${ordered.map((key) => `"${key}":1`).join(",")}}`);
  }
});

test.each<[what: string, around: (inner: unknown) => unknown]>([
  ["lists", (inner) => [inner]],
  ["objects", (inner) => ({ inner })],
])("%s nest forty deep, and no deeper", (_what, around) => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : around(nested(depth - 1)));
  expect(canonicalJson(nested(40)).length).toBeGreaterThan(80);
  expect(() => canonicalJson(nested(41))).toThrow(
    expect.objectContaining({ code: "FORMAT", message: "nested deeper than 40 levels" }),
  );
});
