import { array, assert, nat, property, tuple } from "fast-check";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { rawFromText, type RawPath } from "#observe/raw-path.ts";
import type { Tour } from "#observe/tour.ts";
import { walk } from "#observe/walk.ts";
import { Walker } from "#observe/walker.ts";
import { createFolderReader } from "#platform/linux/folder-reader.ts";
import { folder, npmTool, write } from "./place.ts";

const read = createFolderReader();

function raw(path: string): RawPath {
  const found = rawFromText(path);
  if (found === undefined) throw new Error(path);
  return found;
}

function tourOf(...folders: readonly string[]): Tour {
  const how = { depth: 9, programs: true, projects: false };
  return { starts: folders.map((at) => ({ folder: raw(at), how })), most: 1e6, apart: new Set(), remote: new Set() };
}

/** Makes one visit; false where none is left. */
function step(walker: Walker | undefined): boolean {
  const visit = walker?.next();
  if (walker === undefined || visit === undefined) return false;
  const there = read(visit.folder, visit.files);
  if (there !== undefined) walker.take(visit, there);
  return true;
}

/** Walks with several, of whom one after the other makes a visit; `turns` says who, and whom it gives what it can spare to. */
function walked(tour: Tour, count: number, turns: readonly (readonly [from: number, to: number])[]) {
  const walkers = Array.from({ length: count }, (_, i) => new Walker(i === 0 ? tour : { ...tour, starts: [] }));
  for (const [from, to] of turns) {
    step(walkers[from]);
    walkers[to]?.add(walkers[from]?.spare() ?? []);
  }
  for (const walker of walkers) while (step(walker));
  const parts = walkers.map((walker) => walker.part());
  return {
    found: parts.flatMap(({ found }) => found.map((one) => JSON.stringify(one))).toSorted(),
    entries: parts.reduce((sum, { entries }) => sum + entries, 0),
    containers: parts.flatMap(({ containers }) => containers).toSorted(),
  };
}

test("whoever walks a branch, all of it is walked once", () => {
  const home = folder();
  for (let i = 0; i < 6; i += 1) {
    npmTool(join(home, `project-${i}`), `tool-${i}`);
    for (let j = 0; j < 3; j += 1) write(join(home, `own-${i}/${j}/deeper/program`), "#!/bin/sh\n", 0o755);
    mkdirSync(join(home, `firefox/profile-${i}`), { recursive: true });
  }
  mkdirSync(join(home, "engine/docker/overlay2/layer"), { recursive: true });
  const alone = walked(tourOf(home), 1, []);
  expect(alone.found.length).toBeGreaterThanOrEqual(31);
  expect(alone.containers).toEqual([join(home, "engine/docker/overlay2")]);
  assert(
    property(array(tuple(nat(2), nat(2)), { maxLength: 60 }), (turns) => {
      expect(walked(tourOf(home), 3, turns)).toEqual(alone);
    }),
  );
});

test("a folder of more entries than a walk may come by is not read to its end, and it says so", async () => {
  const home = folder();
  for (let i = 0; i < 200; i += 1) mkdirSync(join(home, `${i}`));
  const taken = vi.spyOn(Walker.prototype, "take");
  const parts = [];
  for await (const part of walk({ ...tourOf(home), most: 10 })) parts.push(part);
  expect(taken).toHaveBeenCalledTimes(11);
  expect(parts.flatMap(({ unreadable }) => unreadable)).toEqual([
    { path: home, why: "the bound of entries was reached" },
  ]);
});

test("what is given up is what was come by first, and never all", () => {
  const home = folder();
  for (const name of ["a", "b", "c", "d"]) mkdirSync(join(home, name));
  const walker = new Walker(tourOf(...["a", "b", "c", "d"].map((name) => join(home, name))));
  expect(walker.spare().map((branch) => branch.folder)).toEqual([join(home, "a"), join(home, "b")]);
  expect(walker.spare().map((branch) => branch.folder)).toEqual([join(home, "c")]);
  expect(walker.spare()).toEqual([]);
  expect(walker.next()?.folder).toBe(join(home, "d"));
});
