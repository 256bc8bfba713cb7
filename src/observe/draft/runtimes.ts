import { readThrough } from "#observe/read-through.ts";
import { rawFromText, type RawPath } from "#observe/raw-path.ts";
import { openRegular, realPath } from "#observe/read-file.ts";
import type { Reads } from "#observe/reads.ts";
import { makeSearch } from "#observe/search.ts";
import type { MarkerSighting } from "#policy/draft.ts";

/** What innocent programs are made of, where it usually lies. */
const usual = ["node", "python3", "bash", "perl", "ruby", "php", "bun", "deno"].flatMap((name) => [
  `/usr/bin/${name}`,
  `/usr/local/bin/${name}`,
]);
const piece = 256 * 1024;

/** The runtimes of this machine that can be read, `more` among them; each once, by its real path. */
export async function runtimesHere(more: readonly string[]): Promise<readonly RawPath[]> {
  const found = new Set<RawPath>();
  for (const path of [...more, ...usual]) {
    const raw = rawFromText(path);
    const real = raw === undefined ? undefined : await realPath(raw);
    const opened = real === undefined ? undefined : await openRegular(real);
    if (real === undefined || opened === undefined || "unread" in opened) continue;
    await opened.file.close();
    found.add(real);
  }
  return [...found];
}

/** Those of the strings that stand in none of the programs. */
export async function freeOf(
  programs: readonly RawPath[],
  markers: readonly MarkerSighting[],
): Promise<readonly MarkerSighting[]> {
  let left = markers;
  for (const program of programs) {
    if (left.length === 0) return left;
    const opened = await openRegular(program);
    if ("unread" in opened) continue;
    try {
      const found = await readThrough(opened, findIn(opened.stamp.size, left));
      left = left.filter((_, i) => !found.has(i));
    } finally {
      await opened.file.close();
    }
  }
  return left;
}

function* findIn(size: number, markers: readonly MarkerSighting[]): Reads<ReadonlySet<number>> {
  const search = makeSearch(markers.map(({ bytes, encoding }) => Buffer.from(bytes, encoding)));
  const found = new Set<number>();
  for (let offset = 0; offset < size; offset += piece) {
    const asked = Math.min(piece, size - offset);
    const bytes = yield { offset, length: Math.min(asked + search.longest, size - offset) };
    search.scan(bytes, Math.min(asked, bytes.length), (i) => found.add(i));
    if (bytes.length < asked) break;
  }
  return found;
}
