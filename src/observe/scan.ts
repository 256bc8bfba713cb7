import type { Clock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { mayBe, npmManifest, npmPlace, seen as npmSeen } from "#observe/owners/npm.ts";
import { distributionIn } from "#observe/owners/python.ts";
import { extensionIn } from "#observe/owners/vscode.ts";
import { ahead } from "#observe/pool.ts";
import { below, rawFromText, toBytes, type RawPath } from "#observe/raw-path.ts";
import { folderAt, realPath, stampAt, stampNow, type Stamp } from "#observe/read-file.ts";
import { attributed, fileSeen, nothingRead } from "#observe/seen.ts";
import { Walker, type Candidate, type Unreadable } from "#observe/walk.ts";
import type { Wanted } from "#policy/compile.ts";
import type { FolderReader, InstallRoot, Person, Platform } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";

/** Entries that one scan looks at; a workstation's install roots have some ten thousand. */
const mostEntries = 2_000_000;
/** Files read at the same time. */
const together = 4;

export interface ScanOptions {
  readonly identifier: Identifier;
  readonly dpkg: DpkgDatabase;
  readonly roots: readonly InstallRoot[];
  /** Whose config folders are looked for; nobody's in the daily scan (a hint that survives uninstalling). */
  readonly homes?: readonly Person[];
  readonly configs?: Wanted["configs"];
  readonly os: Platform["os"];
  readonly signal?: AbortSignal;
  /** Reads folders at once, for a command that nobody waits beside. */
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
    const { signal, reader, most = mostEntries } = options;
    this.#walker = new Walker({ most, signal, reader });
  }

  /** Places that could not be looked into: named up to a bound, and how many there were. */
  get unreadable(): { readonly named: readonly Unreadable[]; readonly count: number } {
    return { named: this.#walker.unreadable, count: this.#walker.unreadableCount };
  }

  /** Files and folders that it has come by so far. */
  get entries(): number {
    return this.#walker.entries;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Evidence> {
    for await (const evidence of ahead(this.#tasks(), together)) yield* evidence;
  }

  async *#tasks(): AsyncGenerator<() => Promise<readonly Evidence[]>> {
    for (const root of this.#options.roots) {
      const named = rawFromText(root.path);
      if (named === undefined) continue;
      const path = (await realPath(named)) ?? named; // a home may be a link; nothing below it is followed
      if (root.holds === "dpkg") yield () => this.#debian();
      else {
        const programs = root.holds === "bin" || root.holds === "apps";
        const depth = root.holds === "python" ? root.depth + 3 : root.depth; // <tool>/lib/pythonX.Y/site-packages
        for await (const candidate of this.#walker.walk(path, depth, programs))
          if (this.#isAskedFor(candidate)) yield () => this.#read(candidate);
      }
    }
    yield () => this.#configs();
  }

  #isAskedFor(candidate: Candidate): boolean {
    const { asksFor } = this.#options;
    return candidate.what !== "npm" || asksFor === undefined || mayBe(candidate.folder, (id) => asksFor("npm", id));
  }

  /** A file that several links lead to is read once. */
  async #read(candidate: Candidate): Promise<readonly Evidence[]> {
    const { identifier, reader } = this.#options;
    if (candidate.what !== "program") return installedAt(identifier, candidate);
    const { path } = candidate;
    const stamp = reader === undefined ? await stampThrough(path) : stampNow(toBytes(path));
    if (stamp?.runnable !== true || this.#programs.has(stamp.key)) return [];
    this.#programs.add(stamp.key);
    return programAt(identifier, path);
  }

  #debian(): Promise<readonly Evidence[]> {
    return debianPackages(this.#options.identifier, this.#options.dpkg);
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

/** Every package that dpkg has installed. */
export async function debianPackages(identifier: Identifier, dpkg: DpkgDatabase): Promise<readonly Evidence[]> {
  const installed = await dpkg.installed();
  return installed.map((deb) => identifier.evidence("installed", { seen: attributed({ package: deb }) }));
}

/** What is installed in one place; nothing where its own records do not say so, or where a file cannot be run. */
export async function installedAt(identifier: Identifier, candidate: Candidate): Promise<readonly Evidence[]> {
  if (candidate.what === "program")
    return (await stampThrough(candidate.path))?.runnable === true ? programAt(identifier, candidate.path) : [];
  const { what, folder } = candidate;
  const stamp = await folderAt(folder);
  const says = stamp === undefined ? undefined : await records(what, folder, stamp);
  if (stamp === undefined || says === undefined) return [];
  return [identifier.evidence("installed", { file: fileSeen(folder, stamp), seen: attributed(says) })];
}

/** The stamp of the file that a path leads to, links followed. */
async function stampThrough(path: RawPath): Promise<Stamp | undefined> {
  const real = await realPath(path);
  return real === undefined ? undefined : stampAt(real);
}

async function programAt(identifier: Identifier, path: RawPath): Promise<readonly Evidence[]> {
  const found = await identifier.file(path);
  return "unread" in found ? [] : [identifier.evidence("installed", { file: found.file, seen: found.seen })];
}

async function records(
  what: "npm" | "extension" | "distribution",
  folder: RawPath,
  { owner }: Stamp,
): Promise<Parameters<typeof attributed>[0] | undefined> {
  switch (what) {
    case "npm": {
      const place = npmPlace(below(folder, "package.json"));
      const manifest = place === undefined ? undefined : await npmManifest(place, owner);
      return manifest === undefined ? undefined : { package: npmSeen(manifest) };
    }
    case "extension": {
      const extension = await extensionIn(folder, owner);
      return extension === undefined ? undefined : { extension };
    }
    case "distribution": {
      const distribution = await distributionIn(folder, owner);
      return distribution === undefined ? undefined : { package: distribution };
    }
    default:
      return what satisfies never;
  }
}

/** What a scan needs, made for one who only scans (`edict audit`). @throws RangeError where a marker is too short */
export function makeScan(
  options: Omit<ScanOptions, "identifier" | "dpkg" | "configs"> & {
    readonly wanted: Wanted;
    readonly clock: Clock;
    readonly dpkgFolder: string;
  },
): { readonly scan: Scan; readonly identifier: Identifier } {
  const { wanted, clock, dpkgFolder, ...rest } = options;
  const dpkg = new DpkgDatabase(dpkgFolder);
  const identifier = new Identifier({ wanted, dpkg, clock });
  return { scan: new Scan({ ...rest, identifier, dpkg, configs: wanted.configs }), identifier };
}
