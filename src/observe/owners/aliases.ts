import { Footing } from "#observe/footing.ts";
import { Lru } from "#observe/lru.ts";
import { below, rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { aliasesOf, aliasRecords, type Aliases } from "#observe/readers/aliases.ts";

/** Bytes: the record of a large project has some millions. */
export const longestRecord = 16 * 1024 * 1024;
const marker = "/node_modules/";

/** The folder that the outermost node_modules of a path lies in: there the package manager was, and wrote down what it did. */
export function installedFrom(path: RawPath): RawPath | undefined {
  const at = path.indexOf(marker);
  return at < 0 ? undefined : rawFromBytes(Buffer.from(path.slice(0, Math.max(1, at)), "latin1"));
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
