import * as fc from "fast-check";
import { expect, test } from "vitest";
import { expandBraces, globProblem, matchGlob } from "#lib/pure/glob.ts";

/** The obvious matcher: exponential, and right by inspection. */
function naive(glob: readonly string[], path: readonly string[]): boolean {
  const [head, ...tail] = glob;
  if (head === undefined) return path.length === 0;
  if (head === "**") {
    if (tail.length === 0) return path.length > 0;
    return path.some((_, i) => naive(tail, path.slice(i)));
  }
  const [name, ...rest] = path;
  return name !== undefined && naiveName(head, name) && naive(tail, rest);
}

function naiveName(glob: string, name: string): boolean {
  if (glob === "") return name === "";
  if (glob.startsWith("*")) {
    for (let i = 0; i <= name.length; i += 1) if (naiveName(glob.slice(1), name.slice(i))) return true;
    return false;
  }
  if (name === "") return false;
  return (glob[0] === "?" || glob[0] === name[0]) && naiveName(glob.slice(1), name.slice(1));
}

const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 4 });
const globName = fc.oneof(fc.constant("**"), fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 4 }));

test("the matcher agrees with the obvious one", () => {
  fc.assert(
    fc.property(
      fc.array(globName, { minLength: 1, maxLength: 5 }),
      fc.array(name, { minLength: 1, maxLength: 6 }),
      (glob, path) => {
        expect(matchGlob(glob.join("/"), path.join("/"))).toBe(naive(glob, path));
      },
    ),
    { numRuns: 5000 },
  );
});

test.each([
  ["/opt/x/**", "/opt/x/bin/run", true],
  ["/opt/x/**", "/opt/x", false],
  ["/opt/**/run", "/opt/run", true],
  ["/opt/*/run", "/opt/run", false],
  ["**/node_modules/a/**", "/home/b/node_modules/a/bin/c", true],
  ["/opt/*", "/opt/.hidden", true],
  ["/opt/?", "/opt/é", true],
  ["/opt/?", "/opt/🦆", true],
  ["/opt/??", "/opt/🦆", false],
  ["/opt/[ab]", "/opt/a", false],
  ["/OPT/a", "/opt/a", false],
])("%s on %s is %s", (glob, path, matches) => {
  expect(matchGlob(glob, path)).toBe(matches);
});

test("patterns that are catastrophic elsewhere cost no more than pattern times path", () => {
  const path = `/${"a".repeat(62)}`;
  expect(matchGlob("**/*a*a*a*a*a*a*b", path)).toBe(false);
  const long = `/${"a/".repeat(2000)}a`;
  expect(matchGlob(`${"**/a*/".repeat(300)}b`, long)).toBe(false);
  expect(matchGlob(`/${"*a".repeat(2000)}b`, `/${"a".repeat(4000)}`)).toBe(false);
});

test("braces stand for their alternatives, nested and empty ones as well", () => {
  expect(expandBraces("/a{,-b,{c,d}}/x{1,2}")).toEqual([
    "/a/x1",
    "/a/x2",
    "/a-b/x1",
    "/a-b/x2",
    "/ac/x1",
    "/ac/x2",
    "/ad/x1",
    "/ad/x2",
  ]);
  expect(expandBraces("/plain")).toEqual(["/plain"]);
});

test("a glob that is none says why, and one that explodes is refused before it is expanded", () => {
  expect(globProblem("/a{b")).toContain("{");
  expect(globProblem("/a}b")).toContain("}");
  expect(globProblem("C:\\x")).toContain("backslash");
  expect(globProblem("")).toContain("empty");
  expect(globProblem("{a,b}".repeat(40))).toContain("256");
  expect(() => expandBraces("{a,b}".repeat(40))).toThrow(RangeError);
  expect(globProblem("{a,b}".repeat(8))).toBeUndefined();
});

test("expanding never gives more than was counted", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("{", "}", ",", "a"), maxLength: 14 }), (glob) => {
      fc.pre(globProblem(glob) === undefined);
      expect(expandBraces(glob).length).toBeLessThanOrEqual(256);
    }),
    { numRuns: 3000 },
  );
});
