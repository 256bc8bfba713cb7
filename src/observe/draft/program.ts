import { createHash } from "node:crypto";
import { attempts, largestProgram } from "#observe/draft/markers.ts";
import { readThrough } from "#observe/read-through.ts";
import { freeOf } from "#observe/draft/runtimes.ts";
import type { RawPath } from "#observe/raw-path.ts";
import { openRegular, why, type Opened, type Unread } from "#observe/read-file.ts";
import type { Reads } from "#observe/reads.ts";
import type { MarkerSighting, ProgramSighting } from "#policy/draft.ts";

/** Markers that are proposed of one program. */
const mostMarkers = 4;
const chunk = 1024 * 1024;

/** What one program shows that is its own. Never throws. */
export async function lookAtProgram(
  path: RawPath,
  as: Pick<ProgramSighting, "program" | "release">,
  words: readonly string[],
  runtimes: readonly RawPath[],
): Promise<ProgramSighting | Unread> {
  const opened = await openRegular(path);
  if ("unread" in opened) return opened;
  const { size } = opened.stamp;
  try {
    if (size > largestProgram) return { unread: `longer than ${largestProgram} bytes` };
    const native = await readThrough(opened, isNative());
    const hash = native ? { sha256: await readThrough(opened, sha256(size)), size } : undefined;
    return { ...as, ...(hash !== undefined && { hash }), markers: await markersOf(opened, words, runtimes) };
  } catch (error) {
    return { unread: why(error) };
  } finally {
    await opened.file.close();
  }
}

/** The first strings that stand in no runtime. A runtime itself has none, as it should. */
async function markersOf(
  opened: Opened,
  words: readonly string[],
  runtimes: readonly RawPath[],
): Promise<readonly MarkerSighting[]> {
  for (const attempt of await readThrough(opened, attempts(opened.stamp.size, words))) {
    const free = await freeOf(runtimes, await readThrough(opened, attempt()));
    if (free.length > 0) return free.slice(0, mostMarkers);
  }
  return [];
}

/** ELF, PE ("MZ"), and the four byte orders and widths of Mach-O. */
const magics = ["7f454c46", "4d5a", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe"];

function* isNative(): Reads<boolean> {
  const head = Buffer.from(yield { offset: 0, length: 4 }).toString("hex");
  return magics.some((magic) => head.startsWith(magic));
}

function* sha256(size: number): Reads<string> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < size; offset += chunk) {
    const bytes = yield { offset, length: Math.min(chunk, size - offset) };
    hash.update(bytes);
    if (bytes.length < Math.min(chunk, size - offset)) break;
  }
  return hash.digest("hex");
}
