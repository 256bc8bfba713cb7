import { opendir } from "node:fs/promises";
import { toBytes, type RawPath } from "#observe/raw-path.ts";
import type { Tour, WalkPart } from "#observe/tour.ts";
import { Walker } from "#observe/walker.ts";
import type { FolderRead, ReadFolder } from "#platform/folders.ts";

/** Makes a tour, and gives what it finds part by part. Once aborted it ends early. */
export type Walk = (tour: Tour, signal?: AbortSignal) => AsyncIterable<WalkPart>;

/** Walks by Node's own means: each folder is waited for, and nothing is read ahead. */
export const walk: Walk = async function* (tour, signal) {
  const walker = new Walker(tour);
  for (let visit = walker.next(); visit !== undefined; visit = walker.next()) {
    try {
      for await (const part of partsOf(visit.folder)) {
        walker.take(visit, part);
        if (signal?.aborted === true) return;
        if (walker.isOver) break;
        if (walker.waiting > 0) yield walker.part();
      }
    } catch (error) {
      walker.fail(visit, error);
    }
  }
  yield walker.part();
};

/** One folder, entry by entry: memory does not grow with it. */
async function* partsOf(folder: RawPath): AsyncGenerator<FolderRead> {
  // Names come as Latin-1, one character a byte: opendir's types know no buffers.
  for await (const entry of await opendir(toBytes(folder), { encoding: "latin1" })) {
    const names = [entry.name];
    if (entry.isDirectory()) yield { folders: names, programs: [], passed: 1 };
    else if (entry.isFile() || entry.isSymbolicLink()) yield { folders: [], programs: names, passed: 1 };
    else yield { folders: [], programs: [], passed: 1 };
  }
}

/** Folders that are read, and things that are found, before a part is given. */
const [mostRead, mostFound] = [500, 500] as const;

/** Walks on at once, until there is enough for a part. */
export function walkOn(walker: Walker, read: ReadFolder): { readonly part: WalkPart; readonly isLast: boolean } {
  for (let count = 0; count < mostRead && walker.waiting < mostFound; count += 1) {
    const visit = walker.next();
    if (visit === undefined) return { part: walker.part(), isLast: true };
    try {
      const there = read(visit.folder, visit.files);
      if (there !== undefined) walker.take(visit, there);
    } catch (error) {
      walker.fail(visit, error);
    }
  }
  return { part: walker.part(), isLast: false };
}
