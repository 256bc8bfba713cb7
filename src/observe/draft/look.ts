import { join } from "node:path";
import { lookAtProgram } from "#observe/draft/program.ts";
import { largestPrograms } from "#observe/draft/programs.ts";
import { parseDraftManifest, type DraftManifest } from "#observe/draft/manifest.ts";
import { wordsOf } from "#observe/draft/candidates.ts";
import { leadsNowhere, type Identifier } from "#observe/identify.ts";
import { npmPlace } from "#observe/owners/npm.ts";
import { below, nameOf, parentOf, rawFromText, toSeen, type RawPath } from "#observe/raw-path.ts";
import { folderAt, readSmall, realPath, stampAt, type Unread } from "#observe/read-file.ts";
import { longestManifest } from "#observe/readers/package-json.ts";
import type { ProgramSighting, Sighting } from "#policy/draft.ts";

/** Programs of one tool that are looked at. */
const mostPrograms = 8;
/** Where tools keep what is theirs, seen from a home. */
const configPlaces = [".", ".config/", ".local/share/", ".local/state/", ".cache/"];

export interface LookOptions {
  readonly identifier: Identifier;
  /** Real paths of programs that no marker may stand in. */
  readonly runtimes: readonly RawPath[];
  /** The home whose folders are looked at for the tool's; none where it is undefined. */
  readonly home: string | undefined;
}

export interface Found {
  readonly sighting: Sighting;
  /** Programs that could not be read, and why. */
  readonly skipped: readonly string[];
}

/** Where a program should lie, and of which release it is. */
type Program = readonly [folder: RawPath, path: string, release: string | undefined];

/** Looks at a package's folder, or at a program. Opens no network connection, runs nothing, and reads bounded amounts. */
export async function lookAt(path: RawPath, options: LookOptions): Promise<Found | Unread> {
  const real = await realPath(path);
  if (real === undefined) return { unread: leadsNowhere };
  if ((await folderAt(real)) !== undefined) return lookAtFolder(real, options);
  const folder = npmPlace(real)?.folder;
  const manifest = folder === undefined ? undefined : await manifestIn(folder);
  if (folder !== undefined && manifest !== undefined && !("unread" in manifest))
    return lookAtFolder(folder, options, [toSeen(real).path.slice(toSeen(folder).path.length + 1)]);
  return lookAtFile(real, nameOf(toSeen(path).path), options);
}

async function manifestIn(folder: RawPath): Promise<DraftManifest | Unread> {
  const read = await readSmall(below(folder, "package.json"), longestManifest);
  if ("unread" in read) return { unread: `its package.json: ${read.unread}` };
  return parseDraftManifest(read.bytes) ?? { unread: "its package.json is not one of npm" };
}

/** @param files in it that somebody named */
async function lookAtFolder(
  folder: RawPath,
  options: LookOptions,
  files: readonly string[] = [],
): Promise<Found | Unread> {
  const manifest = await manifestIn(folder);
  if ("unread" in manifest) return manifest;
  const { name, version, homepage, platforms, programs } = manifest;
  const words = wordsOf([name, ...programs.map(([command]) => command)]);
  const own = [...files, ...programs.map(([, path]) => path)].map((path) => [folder, path, release(manifest)] as const);
  const others = await Promise.all(platforms.map((id) => platformProgram(besideOf(folder, name, id))));
  const seen = await eachProgram([...own, ...others.flat()].slice(0, mostPrograms), words, options);
  const commands = programs.map(([command]) => command);
  const sighting: Sighting = {
    name: productName(name),
    homepage: homepage !== undefined && /^https:\/\/[\w.-]+(?:\/[\w./#?=&%-]*)?$/.test(homepage) ? homepage : undefined,
    packages: [{ ecosystem: "npm", id: name, version }],
    beside: { ids: platforms, release: release(manifest) },
    commands,
    programs: seen.programs,
    configs: await configsIn(options.home, [...commands, ...wordsOf([name])]),
  };
  return { sighting, skipped: seen.skipped };
}

/** What follows the scope, or the scope where that is a word of everybody: "@example/cli" is example. */
function productName(id: string): string {
  const [first = "", last = ""] = id.replace("@", "").split("/");
  return last === "" || wordsOf([last]).length === 0 ? first : last;
}

function release({ name, version }: DraftManifest): string | undefined {
  return version === undefined ? undefined : `${name}@${version}`;
}

/** Where npm puts a package's optional dependency: beside it, or below it. */
function besideOf(folder: RawPath, name: string, id: string): readonly RawPath[] {
  const up = name.startsWith("@") ? parentOf(parentOf(folder)) : parentOf(folder);
  return [below(up, id), below(below(folder, "node_modules"), id)];
}

/** The program of the first of these folders that is a package of its own. */
async function platformProgram(folders: readonly RawPath[]): Promise<readonly Program[]> {
  for (const at of folders) {
    // pnpm puts a link there.
    const folder = await realPath(at);
    const manifest = folder === undefined ? undefined : await manifestIn(folder);
    if (folder === undefined || manifest === undefined || "unread" in manifest) continue;
    const [path] = await largestPrograms(folder);
    return path === undefined ? [] : [[folder, path, release(manifest)]];
  }
  return [];
}

async function eachProgram(
  programs: readonly Program[],
  words: readonly string[],
  options: LookOptions,
): Promise<{ readonly programs: readonly ProgramSighting[]; readonly skipped: readonly string[] }> {
  const [seen, skipped]: [Map<string, ProgramSighting>, string[]] = [new Map(), []];
  for (const [folder, path, of] of programs) {
    const raw = rawFromText(join(toSeen(folder).path, path));
    const real = raw === undefined ? undefined : await realPath(raw);
    // A manifest may name any path: only what lies in the package's own folder is its program.
    if (real === undefined || !real.startsWith(`${folder}/`)) skipped.push(`${path}: it lies not in the package`);
    else {
      const key = (await stampAt(real))?.key ?? real;
      if (seen.has(key)) continue;
      const as = { program: toSeen(real).path.slice(toSeen(folder).path.length + 1), release: of };
      const looked = await lookAtProgram(real, as, words, options.runtimes);
      if ("unread" in looked) skipped.push(`${path}: ${looked.unread}`);
      else seen.set(key, looked);
    }
  }
  return { programs: [...seen.values()], skipped };
}

async function lookAtFile(real: RawPath, called: string, options: LookOptions): Promise<Found | Unread> {
  const found = await options.identifier.file(real);
  if ("unread" in found) return found;
  const packages = "value" in found.seen.package ? found.seen.package.value : [];
  const [first] = packages;
  const name = called.replace(/\.(?:exe|js|mjs|cjs)$/, "");
  const of = first?.version === undefined ? undefined : `${first.id}@${first.version}`;
  const words = wordsOf([name, ...packages.map(({ id }) => id)]);
  const looked = await lookAtProgram(
    real,
    { program: nameOf(toSeen(real).path), release: of },
    words,
    options.runtimes,
  );
  if ("unread" in looked) return looked;
  const sighting: Sighting = {
    name,
    packages,
    beside: { ids: [], release: undefined },
    commands: [name],
    programs: [looked],
    configs: await configsIn(options.home, words),
  };
  return { sighting, skipped: [] };
}

async function configsIn(home: string | undefined, names: readonly string[]): Promise<readonly string[]> {
  if (home === undefined) return [];
  const paths = [...new Set(names)].flatMap((name) => configPlaces.map((place) => `${place}${name}`));
  const there = await Promise.all(
    paths.map(async (path) => {
      const raw = rawFromText(join(home, path));
      return raw !== undefined && (await folderAt(raw)) !== undefined;
    }),
  );
  return paths.filter((_, i) => there[i]).map((path) => `~/${path}`);
}
