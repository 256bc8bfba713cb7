import { expect, test } from "vitest";
import { hash32 } from "#lib/pure/hash.ts";

test("hashes are the same on every release", () => {
  expect(["", "a", "claude-code\ndevice-1", "禁止"].map((text) => hash32(text))).toMatchInlineSnapshot(`
    [
      0,
      721651713,
      2735059714,
      2878641409,
    ]
  `);
});

test("hashes spread evenly", () => {
  const buckets = Array.from({ length: 100 }, () => 0);
  for (let i = 0; i < 100_000; i += 1) {
    const b = Math.floor((hash32(`ban\n${i}`) / 2 ** 32) * 100);
    buckets[b] = (buckets[b] ?? 0) + 1;
  }
  expect(Math.min(...buckets)).toBeGreaterThan(850);
  expect(Math.max(...buckets)).toBeLessThan(1150);
});
