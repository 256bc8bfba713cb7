import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "#lib/pure/json.ts";
import { locate } from "#lib/pure/json-locate.ts";
import { JsonError } from "#lib/pure/json-scanner.ts";

const bounds = { bytes: 1000, depth: 5, string: 50 };

function refusal(text: string | Uint8Array, its = bounds): JsonError {
  try {
    parseJson(typeof text === "string" ? Buffer.from(text) : text, its);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

/** The value, or "refused". */
function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof JsonError || error instanceof SyntaxError) return "refused";
    throw error;
  }
}

const wide = { bytes: 1e6, depth: 100, string: 1e5 };

function keysOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(keysOf)];
}

test("every JSON value comes back as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      fc.pre(keysOf(value).every((key) => key !== "__proto__" && JSON.stringify(key) === `"${key}"`));
      const text = JSON.stringify(value, undefined, space);
      expect(parseJson(Buffer.from(text), wide)).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

test("what is taken is what JSON.parse takes, and nothing but a JsonError is thrown", () => {
  const pieces = fc.constantFrom(
    ..."{ } [ ] , : - . \\ / \n \u0000".split(" "),
    " ",
    '"a"',
    '"b"',
    "1",
    "0",
    "e9",
    "true",
    "nul",
    '"',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      const ours = outcome(() => parseJson(Buffer.from(text), wide));
      expect([outcome((): unknown => JSON.parse(text)), "refused"]).toContainEqual(ours);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ["a comment", '{\n  // why\n  "a": 1\n}', "comment", 2, []],
  ["a block comment", '{ "a": [1,\n /* two */ 2] }', "comment", 2, ["a", 1]],
  ["a hash comment", "# yaml?\n{}", "comment", 1, []],
  ["a duplicate key", '{ "a": { "b": 1,\n "c": 2,\n "b": 3 } }', "duplicate-key", 3, ["a", "b"]],
  ["a trailing comma", "[1,\n2,\n]", "syntax", 3, [2]],
  ["a cut text", '{ "a": [1, 2', "syntax", 1, ["a", 1]],
  ["two texts", "{}\n{}", "syntax", 2, []],
  ["nothing", "", "syntax", 1, []],
  ["a key with an escape, which could hide a duplicate", '{ "a": 1, "\\u0061": 2 }', "syntax", 1, ["a"]],
  ["the key __proto__", '{ "__proto__": { "x": 1 } }', "syntax", 1, ["__proto__"]],
  ["half a surrogate pair", '["\\ud800"]', "encoding", 1, [0]],
  ["too deep", "[[[[[[1]]]]]]", "bounds", 1, [0, 0, 0, 0, 0]],
  ["a long string", `["${"x".repeat(51)}"]`, "bounds", 1, [0]],
  ["a number that is none", "[01]", "syntax", 1, [0]],
  ["single quotes", "{'a': 1}", "syntax", 1, []],
  ["a raw line break in a string", '["a\nb"]', "syntax", 1, [0]],
])("%s is refused with its place", (_what, text, code, line, path) => {
  expect(refusal(text)).toMatchObject({ code, line, path });
});

test("wrong encodings are named", () => {
  expect(refusal(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from("{}")]))).toMatchObject({
    code: "encoding",
  });
  expect(refusal(Buffer.from('\uFEFF{"a":1}', "utf16le")).message).toContain("UTF-16");
  expect(
    refusal(Buffer.concat([Buffer.from('{\n"a":\n"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])),
  ).toMatchObject({ code: "encoding", line: 3 });
});

test("bounds are named before anything is read", () => {
  expect(refusal(Buffer.alloc(1001, 0x20)).message).toBe("the text has 1001 bytes, the bound is 1000");
  const many = `{${Array.from({ length: 300 }, (_, i) => `"${i}":1`).join(",")}}`;
  expect(refusal(many, { bytes: 1e5, depth: 5, string: 50 }).message).toContain("256 keys");
});

test("names that live on every object are keys like others", () => {
  const value = parseJson(Buffer.from('{"constructor": 1, "toString": 2, "hasOwnProperty": 3}'), bounds);
  expect(Object.keys(Object(value))).toEqual(["constructor", "toString", "hasOwnProperty"]);
});

test("a place is found again, or the deepest part of it that is there", () => {
  const bytes = Buffer.from('{\n "a": [\n  {"x": "}"},\n  {"y\\"": 1,\n   "z": [2]}\n ]\n}');
  expect(locate(bytes, ["a", 1, "z", 0])).toBe(5);
  expect(locate(bytes, ["a", 1, "missing"])).toBe(4);
  expect(locate(bytes, ["a", 9])).toBe(2);
  expect(locate(bytes, [])).toBe(1);
});
