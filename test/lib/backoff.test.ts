import { assert, double, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { jitter, pause } from "#lib/backoff.ts";

test("pauses double up to their limit", () => {
  const whole = [1, 2, 3, 4, 5, 1000].map((n) => pause(n, 1, { firstMs: 100, maxMs: 1000 }));
  expect(whole).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test("a pause is never under half of its time nor over it", () => {
  assert(
    property(nat(10_000), double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (n, random) => {
      const ms = pause(n, random, { firstMs: 10, maxMs: 1000 });
      expect(ms).toBeGreaterThanOrEqual(5);
      expect(ms).toBeLessThanOrEqual(1000);
    }),
  );
});

test("jitter stays within its share", () => {
  expect([0, 0.5, 1].map((random) => Math.round(jitter(100, random, 0.1)))).toEqual([90, 100, 110]);
});
