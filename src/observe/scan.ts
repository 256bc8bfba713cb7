import type { Clock } from "#lib/clock.ts";
import type { Files } from "#observe/files.ts";
import { Footing } from "#observe/footing.ts";
import { Identifier, leadsNowhere, passedOver, type Identified } from "#observe/identify.ts";
import { AskedFolders } from "#observe/owners/asked-folders.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { addonsIn, archivedIn, condaIn, uninstallKeysIn, zippedIn, type Listed } from "#observe/owners/lists.ts";
import { npmManifest, npmPlace, seen as npmSeen } from "#observe/owners/npm.ts";
import { distributionIn } from "#observe/owners/python.ts";
import { systemDatabases } from "#observe/owners/system.ts";
import { readUnit } from "#observe/owners/units.ts";
import { unitAt, type PlaceKind } from "#observe/places.ts";
import { ahead } from "#observe/pool.ts";
import { below, rawFromText, toSeen, type RawPath } from "#observe/raw-path.ts";
import { folderAt, notRegular, notThere, readSmall, realPath, stampAt, type Unread } from "#observe/read-file.ts";
import { longestManifest, parsePackageJson } from "#observe/readers/package-json.ts";
import { attributed, fileSeen, nothingRead, type Says } from "#observe/seen.ts";
import { walk, type Walk } from "#observe/walk.ts";
import { mostNamed, type Candidate, type Manner, type Tour, type Unreadable } from "#observe/tour.ts";
import type { Wanted } from "#policy/compile.ts";
import type { InstallRoot, Person, Platform } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";

/** Entries that one scan looks at; a workstation's install roots have some ten thousand. */
const mostEntries = 2_000_000;
/** Files read at the same time. */
const together = 4;
/** Why a file was not read, where nothing was missed: it is none, or nobody may run it, or it was read by another name. */
const noProgram: ReadonlySet<string> = new Set([leadsNowhere, passedOver, notRegular, notThere]);

export interface ScanOptions {
  readonly identifier: Identifier;
  readonly roots: readonly InstallRoot[];
  /** Whose config folders are looked for; nobody's in the daily scan (a hint that survives uninstalling). */
  readonly homes?: readonly Person[];
  readonly configs?: Wanted["configs"];
  readonly os: Platform["os"];
  readonly signal?: AbortSignal;
  /** Finds what there is; by Node's own means, where left out. */
  readonly walk?: Walk;
  /** Entries to look at; two million where left out. */
  readonly most?: number;
  /** Whether any identity asks for such a package; every one, where left out. What nobody asks for is not opened. */
  readonly asksFor?: (ecosystem: string, id: string) => boolean;
}

/** One look at what is installed. Read it to its end, then ask what it could not read. */
export class Scan implements AsyncIterable<Evidence> {
  readonly #options: ScanOptions;
  readonly #programs = new Set<string>();
  readonly #unreadable: Unreadable[] = [];
  #unreadableCount = 0;
  readonly #containers: string[] = [];
  #entries = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** Places that could not be looked into: named up to a bound, and how many there were. */
  get unreadable(): { readonly named: readonly Unreadable[]; readonly count: number } {
    return { named: this.#unreadable, count: this.#unreadableCount };
  }

  /** Folders of containers and images that were not looked into. */
  get containers(): readonly string[] {
    return this.#containers;
  }

  /** Files and folders that it has come by so far. */
  get entries(): number {
    return this.#entries;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Evidence> {
    for await (const evidence of ahead(this.#tasks(), together)) yield* evidence;
  }

  async *#tasks(): AsyncGenerator<() => Promise<readonly Evidence[]>> {
    const { roots, walk: find = walk, asksFor = () => true, signal } = this.#options;
    for (const { path, holds } of roots) {
      const named = holds === "packages" ? rawFromText(path) : undefined;
      if (named !== undefined) yield () => this.#packages(named);
    }
    const asked = new AskedFolders((id) => asksFor("npm", id));
    for await (const part of find(await this.#tour(), signal)) {
      this.#entries += part.entries;
      this.#containers.push(...part.containers);
      this.#miss(part.unreadable, part.unreadableCount);
      for (const candidate of part.found)
        if (candidate.what !== "npm" || asked.has(candidate.folder)) yield () => this.#read(candidate);
    }
    yield () => this.#configs();
  }

  async #tour(): Promise<Tour> {
    const { roots, most = mostEntries } = this.#options;
    const starts: Tour["starts"][number][] = [];
    for (const root of roots.toReversed()) {
      const named = root.holds === "packages" ? undefined : rawFromText(root.path);
      if (named === undefined) continue;
      starts.push({ folder: (await realPath(named)) ?? named, how: mannerOf(root) }); // a home may be a link; nothing below it is followed
    }
    const apart = rawSet(roots.map(({ path }) => path));
    const remote = rawSet(roots.flatMap(({ without = [] }) => without));
    return { starts, most, apart, remote };
  }

  /** A file that several links lead to is read once. What cannot be read is taken note of. */
  async #read(candidate: Candidate): Promise<readonly Evidence[]> {
    const { identifier } = this.#options;
    if (candidate.what !== "program") {
      const found = await installedAt(identifier, candidate);
      const unread = found.length > 0 ? undefined : await unreadManifest(candidate);
      if (unread !== undefined) this.#note(manifestOf(candidate.folder), unread);
      return found;
    }
    const found = await identifier.file(candidate.path, ({ runnable, key }) => {
      if (!runnable || this.#programs.has(key)) return false;
      this.#programs.add(key);
      return true;
    });
    const { unread } = "unread" in found ? found : { unread: undefined, ...found.seen.marker };
    if (unread !== undefined && !noProgram.has(unread)) this.#note(candidate.path, unread);
    return evidenceOf(identifier, found);
  }

  async #packages(folder: RawPath): Promise<readonly Evidence[]> {
    const { identifier } = this.#options;
    const installed = await packagesIn(identifier, folder);
    for (const database of identifier.databases.filter((one) => one.folder === folder)) {
      const problem = await database.problem();
      if (problem !== undefined) this.#note(folder, problem);
    }
    return installed;
  }

  #note(path: RawPath, why: string): void {
    this.#miss([{ path: toSeen(path).path, why }], 1);
  }

  #miss(places: readonly Unreadable[], count: number): void {
    this.#unreadable.push(...places.slice(0, mostNamed - this.#unreadable.length));
    this.#unreadableCount += count;
  }

  async #configs(): Promise<readonly Evidence[]> {
    const { homes = [], configs = [], identifier } = this.#options;
    const found: Evidence[] = [];
    for (const { path, os } of configs) {
      if (os !== undefined && ![os].flat().includes(this.#options.os)) continue;
      const places = path.startsWith("~/") ? homes.map(({ home }) => `${home}/${path.slice(2)}`) : [path];
      for (const place of places) {
        const raw = rawFromText(place);
        const stamp = raw === undefined ? undefined : ((await folderAt(raw)) ?? (await stampAt(raw)));
        if (raw === undefined || stamp === undefined) continue;
        const seen = { ...nothingRead("a config folder"), config: { value: [path] } }; // as asked: a home may lie anywhere
        found.push(identifier.evidence("installed", { file: fileSeen(raw, stamp), seen }));
      }
    }
    return found;
  }
}

function rawSet(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.map((path) => rawFromText(path) ?? ""));
}

function mannerOf({ holds, depth }: InstallRoot): Manner {
  return {
    depth: holds === "python" ? depth + 3 : depth, // <tool>/lib/pythonX.Y/site-packages
    programs: holds === "bin" || holds === "apps",
    projects: holds === "home",
  };
}

/** Every package that the package manager with this database has installed. */
export async function packagesIn(identifier: Identifier, folder: RawPath): Promise<readonly Evidence[]> {
  const databases = identifier.databases.filter((one) => one.folder === folder);
  const installed = (await Promise.all(databases.map((one) => one.installed()))).flat();
  return installed.map((one) => identifier.evidence("installed", { seen: attributed({ package: one }) }));
}

/** What is installed in one place; nothing where its own records do not say so, or where a file cannot be run. */
export async function installedAt(identifier: Identifier, candidate: Candidate): Promise<readonly Evidence[]> {
  if (candidate.what === "program")
    return evidenceOf(identifier, await identifier.file(candidate.path, ({ runnable }) => runnable));
  const { folder } = candidate;
  const owner = (await folderAt(folder))?.owner;
  const found = owner === undefined ? [] : await records(candidate, owner);
  const evidence = found.map(async ({ at, ...says }) => {
    const stamp = (await folderAt(at)) ?? (await stampAt(at));
    return stamp && identifier.evidence("installed", { file: fileSeen(at, stamp), seen: attributed(says) });
  });
  return (await Promise.all(evidence)).filter((one) => one !== undefined);
}

function evidenceOf(identifier: Identifier, found: Identified | Unread): readonly Evidence[] {
  return "unread" in found ? [] : [identifier.evidence("installed", { file: found.file, seen: found.seen })];
}

function manifestOf(folder: RawPath): RawPath {
  return below(folder, "package.json");
}

/** Why a folder that is called like a package or an extension could not say what it is; undefined where it says so, or has no manifest. */
export async function unreadManifest({
  what,
  folder,
}: Exclude<Candidate, { what: "program" }>): Promise<string | undefined> {
  if (what !== "npm" && what !== "extension") return undefined;
  const owner = (await folderAt(folder))?.owner;
  const read = await readSmall(manifestOf(folder), longestManifest, owner);
  if ("unread" in read) return read.unread === notThere ? undefined : read.unread;
  return parsePackageJson(read.bytes) === undefined ? "it is not a manifest, or names nothing" : undefined;
}

/** What a folder's own records say that it is, or holds. */
async function records(
  { what, folder }: Exclude<Candidate, { what: "program" }>,
  owner: number,
): Promise<readonly Listed[]> {
  if (what === "conda") return condaIn(folder, owner);
  if (what === "firefox") return addonsIn(folder, owner);
  if (what === "yarn") return zippedIn(folder, owner);
  if (what === "plugins") return archivedIn(folder, owner);
  if (what === "wine") return uninstallKeysIn(folder, owner);
  const says = await said(what, folder, owner);
  return says === undefined ? [] : [{ at: folder, ...says }];
}

async function said(
  what: "npm" | "distribution" | PlaceKind,
  folder: RawPath,
  owner: number,
): Promise<Says | undefined> {
  if (what === "npm") {
    const place = npmPlace(below(folder, "package.json"));
    const manifest = place === undefined ? undefined : await npmManifest(place, owner);
    return manifest && { package: npmSeen(manifest) };
  }
  if (what === "distribution") {
    const distribution = await distributionIn(folder, owner);
    return distribution && { package: distribution };
  }
  return readUnit(unitAt(what, folder), owner, new Footing());
}

/** Milliseconds: a scan is of one moment, and asks for every file whether a package manager has changed something. */
const oneMoment = 1_000;

/** What a scan needs, made for one who only scans (`edict audit`). @throws RangeError where a marker is too short */
export function makeScan(
  options: Omit<ScanOptions, "identifier" | "configs"> & {
    readonly wanted: Wanted;
    readonly clock: Clock;
    readonly dpkgFolder?: string;
    readonly files?: Files;
  },
): { readonly scan: Scan; readonly identifier: Identifier } {
  const { wanted, clock, dpkgFolder, files, ...rest } = options;
  const dpkg = new DpkgDatabase(dpkgFolder, files, oneMoment);
  const others = systemDatabases(oneMoment);
  const identifier = new Identifier({ wanted, dpkg, others, clock, ...(files && { files }) });
  return { scan: new Scan({ ...rest, identifier, configs: wanted.configs }), identifier };
}
