import { readdir } from "node:fs/promises";
import { below, rawFromBytes, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { stampAt } from "#observe/read-file.ts";

/** Real packages have a program within four folders and some hundreds of files. */
const deepest = 4;
const mostEntries = 2_000;

/** The executable files below a folder, the largest first, by their paths from there. Links are not followed. */
export async function largestPrograms(folder: RawPath): Promise<readonly string[]> {
  const found: { readonly path: string; readonly size: number }[] = [];
  let left = mostEntries;
  const walk = async (at: RawPath, depth: number): Promise<void> => {
    for (const entry of await entriesOf(at)) {
      left -= 1;
      if (left < 0) return;
      const name = rawFromBytes(entry.name);
      if (name === undefined || name === "node_modules") continue;
      const path = below(at, name);
      if (entry.isDirectory() && depth < deepest) await walk(path, depth + 1);
      const stamp = entry.isFile() ? await stampAt(path) : undefined;
      if (stamp?.runnable === true) found.push({ path: toSeen(path).path, size: stamp.size });
    }
  };
  await walk(folder, 0);
  const from = toSeen(folder).path.length + 1;
  return found.toSorted((a, b) => b.size - a.size).map(({ path }) => path.slice(from));
}

async function entriesOf(folder: RawPath) {
  try {
    return await readdir(toBytes(folder), { encoding: "buffer", withFileTypes: true });
  } catch {
    return [];
  }
}
