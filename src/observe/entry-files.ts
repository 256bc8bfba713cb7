import { readdir } from "node:fs/promises";
import { npmManifest, npmPlace } from "#observe/owners/npm.ts";
import { below, nameOf, parentOf, rawFromSeen, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
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
/** Bytes; real ones have some hundreds. */
const longestEntryPoints = 256 * 1024;

/**
 * The files by which a tool is started through an interpreter or a loader: its program, the script that ran, a package's `bin`
 * (package.json), a distribution's console scripts, `__main__.py` and the modules that those scripts load. Only what lies there now; nothing is run or followed out.
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
  const read = await readSmall(below(folder, "RECORD"), longestRecord, owner);
  if ("unread" in read) return [];
  const modules = await consoleModules(folder, owner);
  const isTarget = !/^(?:site|dist)-packages$/.test(nameOf(parentOf(folder)));
  const scripts: RawPath[] = [];
  const sources: RawPath[] = [];
  eachLine(read.bytes, (begin, end) => {
    const [entry = ""] = read.bytes.toString("latin1", begin, end).split(",", 1);
    const [, targeted] = (isTarget ? /^(?:\.\.\/\.\.\/)?(bin\/[^/]+)$/.exec(entry) : null) ?? []; // see owners/python.ts
    if (/^(?:\.\.\/){3}bin\/[^/]+$/.test(entry)) scripts.push(below(parentOf(folder), entry));
    else if (targeted !== undefined) scripts.push(below(parentOf(folder), targeted));
    else if (modules.has(entry) || /^[^/]+\/__main__\.py$/.test(entry)) sources.push(below(parentOf(folder), entry));
  });
  // Python reads what it compiled of a module and leaves the module alone; what it compiled stands in no RECORD.
  const compiled = await Promise.all(sources.slice(0, most).map(compiledOf));
  return [...scripts, ...sources, ...compiled.flat()];
}

/** The modules that its console scripts load, as RECORD writes them (packaging.python.org, "Entry points specification"). */
async function consoleModules(folder: RawPath, owner: number): Promise<ReadonlySet<string>> {
  const read = await readSmall(below(folder, "entry_points.txt"), longestEntryPoints, owner);
  const found = new Set<string>();
  if ("unread" in read) return found;
  let section = "";
  for (const line of read.bytes.toString("latin1").split("\n")) {
    const [, named] = /^\[([^\]]*)\]/.exec(line) ?? [];
    if (named !== undefined) section = named.trim();
    const [, module] = /^[^=#]+=\s*([A-Za-z_][\w.]*)\s*:/.exec(line) ?? [];
    if (module === undefined || section !== "console_scripts") continue;
    const path = module.replaceAll(".", "/");
    for (const file of [`${path}.py`, `${path}/__init__.py`]) found.add(file);
  }
  return found;
}

/** What Python has compiled of a module: `__pycache__/NAME.cpython-311.pyc` beside it (PEP 3147). */
async function compiledOf(source: RawPath): Promise<readonly RawPath[]> {
  const cache = below(parentOf(source), "__pycache__");
  const name = `${nameOf(source).slice(0, -".py".length)}.`;
  try {
    const names = await readdir(toBytes(cache), { encoding: "latin1" });
    return names.filter((file) => file.startsWith(name) && file.endsWith(".pyc")).map((file) => below(cache, file));
  } catch {
    return []; // nothing is compiled yet
  }
}
