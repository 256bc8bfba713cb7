import type { Clock } from "#lib/clock.ts";
import type { Files } from "#observe/files.ts";
import { Footing } from "#observe/footing.ts";
import { Identifier } from "#observe/identify.ts";
import { AskedFolders } from "#observe/owners/asked-folders.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { addonsIn, condaIn, uninstallKeysIn, zippedIn, type Listed } from "#observe/owners/lists.ts";
import { npmManifest, npmPlace, seen as npmSeen } from "#observe/owners/npm.ts";
import { distributionIn } from "#observe/owners/python.ts";
import { readUnit } from "#observe/owners/units.ts";
import { unitAt, type PlaceKind } from "#observe/places.ts";
import { ahead } from "#observe/pool.ts";
import { below, rawFromText, type RawPath } from "#observe/raw-path.ts";
import { folderAt, realPath, stampAt } from "#observe/read-file.ts";
import { attributed, fileSeen, nothingRead, type Says } from "#observe/seen.ts";
import { walk, walkAhead } from "#observe/walk.ts";
import { Walker, type Candidate, type Unreadable } from "#observe/walker.ts";
import type { Wanted } from "#policy/compile.ts";
import type { FolderReader } from "#platform/folders.ts";
import type { InstallRoot, Person, Platform } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";

/** Entries that one scan looks at; a workstation's install roots have some ten thousand. */
const mostEntries = 2_000_000;
/** Files read at the same time. */
const together = 4;

export interface ScanOptions {
  readonly identifier: Identifier;
  readonly roots: readonly InstallRoot[];
  /** Whose config folders are looked for; nobody's in the daily scan (a hint that survives uninstalling). */
  readonly homes?: readonly Person[];
  readonly configs?: Wanted["configs"];
  readonly os: Platform["os"];
  readonly signal?: AbortSignal;
  /** Reads folders in a thread of its own; each is waited for, where left out. Whoever gives it closes it. */
  readonly reader?: FolderReader | undefined;
  /** Entries to look at; two million where left out. */
  readonly most?: number;
  /** Whether any identity asks for such a package; every one, where left out. What nobody asks for is not opened. */
  readonly asksFor?: (ecosystem: string, id: string) => boolean;
}

/** One look at what is installed. Read it to its end, then ask what it could not read. */
export class Scan implements AsyncIterable<Evidence> {
  readonly #options: ScanOptions;
  readonly #walker: Walker;
  readonly #programs = new Set<string>();

  constructor(options: ScanOptions) {
    this.#options = options;
    const { roots, most = mostEntries, asksFor = () => true } = options;
    const asked = new AskedFolders((id) => asksFor("npm", id));
    const apart = rawSet(roots.map(({ path }) => path));
    const remote = rawSet(roots.flatMap(({ without = [] }) => without));
    this.#walker = new Walker({
      most,
      apart,
      remote,
      isAskedFor: (one) => one.what !== "npm" || asked.has(one.folder),
    });
  }

  /** Places that could not be looked into: named up to a bound, and how many there were. */
  get unreadable(): { readonly named: readonly Unreadable[]; readonly count: number } {
    return { named: this.#walker.unreadable, count: this.#walker.unreadableCount };
  }

  /** Folders of containers and images that were not looked into. */
  get containers(): readonly string[] {
    return [...this.#walker.containers];
  }

  /** Files and folders that it has come by so far. */
  get entries(): number {
    return this.#walker.entries;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Evidence> {
    for await (const evidence of ahead(this.#tasks(), together)) yield* evidence;
  }

  async *#tasks(): AsyncGenerator<() => Promise<readonly Evidence[]>> {
    const { roots, reader, signal } = this.#options;
    for (const root of roots.toReversed()) {
      const named = rawFromText(root.path);
      if (named === undefined) continue;
      if (root.holds === "packages") yield () => this.#packages(named);
      else this.#walker.begin((await realPath(named)) ?? named, mannerOf(root)); // a home may be a link; nothing below it is followed
    }
    for await (const found of reader === undefined
      ? walk(this.#walker, signal)
      : walkAhead(this.#walker, reader, signal))
      for (const candidate of found) yield () => this.#read(candidate);
    yield () => this.#configs();
  }

  /** A file that several links lead to is read once. */
  async #read(candidate: Candidate): Promise<readonly Evidence[]> {
    const { identifier } = this.#options;
    if (candidate.what !== "program") return installedAt(identifier, candidate);
    const { path } = candidate;
    const stamp = await identifier.files.stampThrough(path);
    if (stamp?.runnable !== true || this.#programs.has(stamp.key)) return [];
    this.#programs.add(stamp.key);
    return programAt(identifier, path);
  }

  async #packages(folder: RawPath): Promise<readonly Evidence[]> {
    const { identifier } = this.#options;
    const installed = await packagesIn(identifier, folder);
    for (const database of identifier.databases.filter((one) => one.folder === folder)) {
      const problem = await database.problem();
      if (problem !== undefined) this.#walker.note(folder, problem);
    }
    return installed;
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
        const seen = { ...nothingRead("a config folder"), config: { value: [place] } };
        found.push(identifier.evidence("installed", { file: fileSeen(raw, stamp), seen }));
      }
    }
    return found;
  }
}

function rawSet(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.map((path) => rawFromText(path) ?? ""));
}

function mannerOf({ holds, depth }: InstallRoot): Parameters<Walker["begin"]>[1] {
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
    return (await identifier.files.stampThrough(candidate.path))?.runnable === true
      ? programAt(identifier, candidate.path)
      : [];
  const { folder } = candidate;
  const owner = (await folderAt(folder))?.owner;
  const found = owner === undefined ? [] : await records(candidate, owner);
  const evidence = found.map(async ({ at, ...says }) => {
    const stamp = (await folderAt(at)) ?? (await stampAt(at));
    return stamp && identifier.evidence("installed", { file: fileSeen(at, stamp), seen: attributed(says) });
  });
  return (await Promise.all(evidence)).filter((one) => one !== undefined);
}

async function programAt(identifier: Identifier, path: RawPath): Promise<readonly Evidence[]> {
  const found = await identifier.file(path);
  return "unread" in found ? [] : [identifier.evidence("installed", { file: found.file, seen: found.seen })];
}

/** What a folder's own records say that it is, or holds. */
async function records(
  { what, folder }: Exclude<Candidate, { what: "program" }>,
  owner: number,
): Promise<readonly Listed[]> {
  if (what === "conda") return condaIn(folder, owner);
  if (what === "firefox") return addonsIn(folder, owner);
  if (what === "yarn") return zippedIn(folder, owner);
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
  const dpkg = new DpkgDatabase(dpkgFolder, files);
  const identifier = new Identifier({ wanted, dpkg, clock, ...(files && { files }) });
  return { scan: new Scan({ ...rest, identifier, configs: wanted.configs }), identifier };
}
