import { Footing } from "#observe/footing.ts";
import { Lru } from "#observe/lru.ts";
import { below, parentOf, rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { aliasesOf, aliasRecords, type Aliases } from "#observe/readers/aliases.ts";

/** Bytes: the record of a large project has some millions. */
export const longestRecord = 16 * 1024 * 1024;
const marker = "/node_modules/";

/** How far above a workspace the project lies whose package manager installed for both: app/packages/group/name. */
const workspaceDepth = 3;

/**
 * The folders in which a package manager may have written down what it did for this one: that in which its outermost node_modules
 * lies, and, where that is a workspace, those above it. The nearest is first.
 */
export function recordedIn(path: RawPath): readonly RawPath[] {
  const at = path.indexOf(marker);
  const from = at < 0 ? undefined : rawFromBytes(Buffer.from(path.slice(0, Math.max(1, at)), "latin1"));
  const folders = from === undefined ? [] : [from];
  for (let above = from && parentOf(from); above !== undefined && above !== "/" && folders.length <= workspaceDepth;) {
    folders.push(above);
    above = parentOf(above);
  }
  return folders;
}

/** Read anew once something of it has changed. Few packages are called otherwise than their folders. */
const known = new Lru<string, { readonly aliases: Aliases; readonly footing: Footing }>(16);

/** What was installed there under another name, as records say that root or `owner` owns. */
export async function aliasesIn(folder: RawPath, owner: number, footing?: Footing): Promise<Aliases> {
  const records = aliasRecords.map(({ file, pairs }) => ({ at: below(folder, file), pairs }));
  for (const { at } of records) footing?.on(at);
  const key = `${owner} ${folder}`;
  const before = known.get(key);
  if (before?.footing.holds() === true) return before.aliases;
  const rests = new Footing();
  const said: Parameters<typeof aliasesOf>[0][number][] = [];
  for (const { at, pairs } of records) {
    rests.on(at);
    const read = await readSmall(at, longestRecord, owner);
    if (!("unread" in read)) said.push(...pairs(read.bytes.toString("latin1")));
  }
  const aliases = aliasesOf(said);
  known.set(key, { aliases, footing: rests });
  return aliases;
}
