import { expect, test } from "vitest";
import { uuid7 } from "#lib/uuid7.ts";
import { instantOf } from "#lib/pure/instant.ts";

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a UUIDv7 carries the clock's milliseconds, its version and its variant", () => {
  const make = uuid7({ now: () => instantOf(0x017f22e279b0) }); // the time of RFC 9562's example A.6
  const made = make();
  expect(made).toMatch(version7);
  expect(made.startsWith("017f22e2-79b0-7")).toBe(true);
});

test("UUIDs ascend within a millisecond, past the counter's end, and while the clock goes back", () => {
  let now = 1_783_000_000_000;
  const make = uuid7({ now: () => instantOf(now) });
  const made: string[] = [];
  for (let i = 0; i < 10_000; i += 1) {
    if (i === 5_000) now -= 86_400_000;
    made.push(make());
  }
  expect(made.every((uuid) => version7.test(uuid))).toBe(true);
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});
