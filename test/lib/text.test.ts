import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clean, pad, width, wrap } from "#lib/pure/text.ts";

test.each([
  ["plain", "plain"],
  ["two\nlines\tand\r\nmore", "two lines and more"],
  ["\u001b[31mred\u001b[0m\u0007", "[31mred[0m"],
  ["\u009b2Jcleared", "2Jcleared"],
  ["user\u202egpj.exe", "usergpj.exe"],
  ["zero\u200bwidth\ufeff", "zerowidth"],
  ["half \ud800 a pair", "half a pair"],
  ["ta\u{e0041}gged", "tagged"],
  ["Z\u0301\u0301\u0301\u0301\u0301\u0301", "Z\u0301\u0301\u0301"],
  ["自 7 月 10 日起", "自 7 月 10 日起"],
  ["  much   space  ", "much space"],
])("%j is shown as %j", (text, shown) => {
  expect(clean(text, 100)).toBe(shown);
});

test.each([
  ["abc", 3],
  ["自由", 4],
  ["é", 1],
  ["e\u0301", 1],
  ["한국", 4],
  ["🙂", 2],
  ["“…”", 3],
  ["（）", 4],
] as const)("%j takes %i columns", (text, columns) => {
  expect(width(text)).toBe(columns);
});

test("what is too long ends in an ellipsis, and fits", () => {
  expect(clean("a".repeat(100), 10)).toBe(`${"a".repeat(9)}…`);
  expect(clean("自".repeat(100), 10)).toBe("自自自自…");
});

test("lines break at spaces, and between Chinese characters, never before a full stop", () => {
  expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
  expect(wrap("自由软件，自由", 8)).toEqual(["自由软", "件，自由"]);
  expect(wrap("https://example.com/a/long/link", 10)).toEqual(["https://ex", "ample.com/", "a/long/lin", "k"]);
  expect(wrap("a b c d e f", 3, 2)).toEqual(["a b", "c…"]);
});

test("whatever arrives, nothing steers a terminal, and every line fits", () => {
  const hostile = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
  fc.assert(
    fc.property(hostile, fc.integer({ min: 2, max: 100 }), (text, columns) => {
      const shown = clean(text, columns);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(width(shown)).toBeLessThanOrEqual(columns);
      for (const line of wrap(clean(text, 1000), columns)) expect(width(line)).toBeLessThanOrEqual(columns);
    }),
  );
});

const bare = (s: string): string => s.replaceAll(/\s/gu, "");

test("wrapping loses no letter", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 4, max: 80 }), (text, columns) => {
      const shown = clean(text, 10_000);
      expect(bare(wrap(shown, columns).join(""))).toBe(bare(shown));
    }),
  );
});

test("padding counts columns, not characters", () => {
  expect(`${pad("原因", 6)}|`).toBe("原因  |");
});
