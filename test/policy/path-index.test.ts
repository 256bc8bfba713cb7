import * as fc from "fast-check";
import { expect, test } from "vitest";
import { expandBraces, matchGlob } from "#lib/pure/glob.ts";
import { whole } from "#lib/pure/pieces.ts";
import { pathIndexInPieces, type PathIndex } from "#policy/path-index.ts";

const indexOf = (globs: Iterable<readonly [string, number]>): PathIndex<number> => whole(pathIndexInPieces(globs));

function found(index: PathIndex<number>, path: string, exact = true): number[] {
  const values = new Set<number>();
  index.match(path, exact, (value) => values.add(value));
  return [...values].toSorted((a, b) => a - b);
}

const part = fc.constantFrom("**", "*", "opt", "x", "X", "x*", "*x", "?x", "a?b", "{opt,x}", "tool-*-{1,2}", "ab*x");
const globs = fc.array(
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
  { maxLength: 12 },
);
const path = fc
  .array(fc.constantFrom("opt", "x", "X", "xx", "ax", "acb", "tool-7-2", "abx", ".x"), { minLength: 1, maxLength: 5 })
  .map((p) => `/${p.join("/")}`);

test("what the index finds is what every glob tried by itself finds", () => {
  fc.assert(
    fc.property(globs, path, (list, at) => {
      const index = indexOf(list.map((glob, i) => [glob, i] as const));
      const naive = list.flatMap((glob, i) => (expandBraces(glob).some((one) => matchGlob(one, at)) ? [i] : []));
      expect(found(index, at)).toEqual(naive);
      const folded = list.flatMap((glob, i) =>
        expandBraces(glob.toLowerCase()).some((one) => matchGlob(one, at.toLowerCase())) ? [i] : [],
      );
      expect(found(index, at, false)).toEqual(folded);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["/home/ann/.local/bin/x", true],
  ["/var/home/ann/.local/bin/x", true],
  ["/root/.local/bin/x", true],
  ["/Users/ann/.local/bin/x", true],
  ["/home/.local/bin/x", false],
  ["/opt/home/ann/.local/bin/x", false],
  ["/home/ann/deep/.local/bin/x", false],
  ["~/.local/bin/x", true], // a home that was found to be one, wherever it lies
])("~/.local/bin/x on %s is %s", (at, matches) => {
  expect(found(indexOf([["~/.local/bin/x", 1]]), at)).toEqual(matches ? [1] : []);
});

test("on Windows either slash and either case are the same", () => {
  const index = indexOf([
    ["~/AppData/Local/Tool/*.exe", 1],
    ["C:/Program Files/Tool/**", 2],
  ]);
  expect(found(index, "C:\\Users\\Ann\\appdata\\local\\tool\\RUN.EXE", false)).toEqual([1]);
  expect(found(index, "c:\\program files\\tool\\bin\\run.exe", false)).toEqual([2]);
});

test("globs that say nothing are counted", () => {
  expect(
    indexOf([
      ["/**/*x*", 1],
      ["/opt/*", 2],
    ]).loose,
  ).toBe(1);
});
