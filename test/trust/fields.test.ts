import { expect, test } from "vitest";
import * as field from "#trust/fields.ts";

// What hostile JSON is taken for, one value at a time.

const kinds: readonly {
  readonly wanted: string;
  readonly read: (value: unknown) => unknown;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}[] = [
  {
    wanted: "an object",
    read: (value) => field.object(value, "it"),
    good: [{}, { a: 1 }],
    bad: [null, undefined, [], "{}", 1, true],
  },
  {
    wanted: "a list",
    read: (value) => field.list(value, "it"),
    good: [[], [1, "x"]],
    bad: [null, undefined, {}, { length: 1 }, "[]", 1],
  },
  {
    wanted: "a text",
    read: (value) => field.text(value, "it"),
    good: ["", "x"],
    bad: [null, undefined, {}, ["x"], 1, true],
  },
  {
    wanted: "a text",
    read: (value) => field.texts(value, "it"),
    good: [[], ["x", ""]],
    bad: [[1], ["x", null], [["x"]]],
  },
  {
    wanted: "true or false",
    read: (value) => field.boolean(value, "it"),
    good: [true, false],
    bad: [null, undefined, {}, "true", 1, 0],
  },
  {
    wanted: "an integer of at least 2",
    read: (value) => field.integer(value, 2, "it"),
    good: [2, 3, 2 ** 53 - 1],
    bad: [1, -2, 2.5, 2 ** 53, Infinity, NaN, "2", [2], 2n, null, undefined, true],
  },
];

test.each(kinds.flatMap(({ good, ...kind }) => good.map((value) => ({ value, ...kind }))))(
  "$value is $wanted",
  ({ read, value }) => {
    expect(read(value)).toEqual(value);
  },
);

test.each(kinds.flatMap(({ bad, ...kind }) => bad.map((value) => ({ value, ...kind }))))(
  "$value is not $wanted, and the error says so",
  ({ read, value, wanted }) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: "FORMAT", message: `it is not ${wanted}` }));
  },
);

test.each<[what: string, bytes: Uint8Array]>([
  ["a byte that is no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
  ["half a character", Buffer.from([0x22, 0xe2, 0x82, 0x22])],
  ["a byte order mark", Buffer.from("\ufeff{}")],
  ["nothing", Buffer.of()],
  ["an object without its end", Buffer.from("{")],
])("%s is not JSON", (_what, bytes) => {
  expect(() => field.json(bytes)).toThrow(
    expect.objectContaining({ code: "FORMAT", message: "this is not JSON", cause: expect.any(Error) }),
  );
});

test("a member is the object's own, and a map has its names in their order", () => {
  const value = field.object(field.json(Buffer.from('{"b":1,"__proto__":2,"a":3}')), "it");
  expect(field.own(value, "constructor")).toBeUndefined();
  expect(field.own(value, "__proto__")).toBe(2);
  const found = field.map(value, "it", (item, name) => `${name} ${String(item)}`);
  expect(Array.from(found.values())).toEqual(["b 1", "__proto__ 2", "a 3"]);
  expect(() => field.map([], "it", String)).toThrow("it is not an object");
});
