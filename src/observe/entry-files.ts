import { npmManifest, npmPlace } from "#observe/owners/npm.ts";
import { below, nameOf, parentOf, rawFromSeen, toSeen, type RawPath } from "#observe/raw-path.ts";
import { readSmall, realPath, stampAt } from "#observe/read-file.ts";
import { eachLine } from "#observe/readers/dpkg.ts";
import { longestRecord } from "#observe/readers/dist-info.ts";
import type { Evidence } from "#policy/evidence.ts";

/** A file that starts a tool. */
export interface EntryFile {
  readonly path: string;
  readonly dev: string;
  readonly ino: string;
}

/** Entry files of one package; tools have one or two. */
const most = 20;

/**
 * The files by which a tool is started through an interpreter or a loader: its program, the script that ran, a package's `bin`
 * (package.json), a distribution's console scripts and `__main__.py`. Only what lies there now; nothing is run or followed out.
 */
export async function entryFiles({ kind, file, script, seen }: Evidence): Promise<readonly EntryFile[]> {
  const place = rawFromSeen(script ?? file ?? { path: "" });
  if (place === undefined) return [];
  const found = kind === "installed" && script === undefined ? await ofPackage(place, file?.owner ?? 0) : [];
  const isPackage = "value" in seen.package || "value" in seen.extension;
  const all = isPackage ? [place, ...found] : [place];
  const entries = await Promise.all(all.slice(0, most).map(entryAt));
  return entries.filter((entry) => entry !== undefined);
}

async function entryAt(path: RawPath): Promise<EntryFile | undefined> {
  const real = await realPath(path);
  const stamp = real === undefined ? undefined : await stampAt(real);
  return real === undefined || stamp === undefined
    ? undefined
    : { path: toSeen(real).path, dev: stamp.dev, ino: stamp.ino };
}

async function ofPackage(folder: RawPath, owner: number): Promise<readonly RawPath[]> {
  if (nameOf(folder).endsWith(".dist-info")) return ofDistribution(folder, owner);
  const place = npmPlace(below(folder, "package.json"));
  const manifest = place === undefined ? undefined : await npmManifest(place, owner);
  const inside = manifest?.programs.filter((program) => !program.split("/").includes("..")) ?? [];
  return inside.map((program) => below(folder, program));
}

async function ofDistribution(folder: RawPath, owner: number): Promise<readonly RawPath[]> {
  const record = await readSmall(below(folder, "RECORD"), longestRecord, owner);
  if ("unread" in record) return [];
  const found: RawPath[] = [];
  eachLine(record.bytes, (begin, end) => {
    const [entry = ""] = record.bytes.toString("latin1", begin, end).split(",", 1);
    if (/^(?:\.\.\/){3}bin\/[^/]+$|^[^/]+\/__main__\.py$/.test(entry)) found.push(below(parentOf(folder), entry));
  });
  return found;
}
