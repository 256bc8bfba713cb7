import { expect, test } from "vitest";
import { canonicalJson } from "#trust/canonical.ts";

test.each([
  [{ b: 1, a: [true, null, 'x"\\\n'] }, '{"a":[true,null,"x\\"\\\\\n"],"b":1}'],
  [{ "\u{1F600}": 1, "\uFF5E": 2 }, '{"\uFF5E":2,"\u{1F600}":1}'],
  [{}, "{}"],
  [[], "[]"],
])("%j has one canonical form", (value, wanted) => {
  expect(canonicalJson(value).toString()).toBe(wanted);
});

test.each([[1.5], [2 ** 53], ["\ud800"], [undefined]])("%j has no canonical form", (value) => {
  expect(() => canonicalJson({ value })).toThrow(expect.objectContaining({ code: "FORMAT" }));
});
