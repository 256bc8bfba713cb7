import { systemCode } from "#lib/errors.ts";
import { containerOf, mayHoldContainers } from "#lib/pure/containers.ts";
import { placesBelow, type Place } from "#observe/places.ts";
import { below, nameOf, parentOf, toSeen, type RawPath } from "#observe/raw-path.ts";
import { isThere, why } from "#observe/read-file.ts";
import {
  mostNamed,
  type Branch,
  type Candidate,
  type Inside,
  type Manner,
  type Tour,
  type Unreadable,
  type WalkPart,
} from "#observe/tour.ts";
import type { FolderRead } from "#platform/folders.ts";
import { elsewhere } from "#platform/platform.ts";

/** A folder to be read, and what becomes of each name in it. */
interface Visit {
  readonly folder: RawPath;
  /** Whether its files are asked for. */
  readonly files: boolean;
  /** What another walker would be given to make this visit. */
  readonly branch?: Branch;
  readonly each: (path: RawPath, name: string, isFolder: boolean) => void;
}

/** Folders that are given up at once. */
const mostSpared = 64;

/** Places remembered so that none is counted twice. */
const mostNoted = 100_000;

/**
 * Where a walk goes, and what it finds there. Reads no folder itself: it names those to visit next, is told what they hold, and
 * goes on. Links are never followed.
 */
export class Walker {
  readonly #tour: Tour;
  /** The last is visited first: deep before wide, so that few wait. */
  readonly #visits: Visit[] = [];
  #part: Part = emptyPart();
  readonly #noted = new Set<RawPath>();
  /** Entries that it has come by. */
  #entries = 0;

  constructor(tour: Tour) {
    this.#tour = tour;
    for (const { folder, how } of tour.starts) this.#begin(folder, how);
  }

  /** Everything installed in a folder is to be found; in one of a container, all of that too. */
  #begin(folder: RawPath, how: Manner): void {
    const manner = { ...how, container: containerOf(`${folder}/`) };
    if (this.#tour.remote.has(folder)) this.#note(folder, elsewhere);
    else if (nameOf(folder) === "node_modules") this.#packages(folder, 4);
    else if (isSite(nameOf(folder))) this.#distributions(folder);
    else this.#ordinary(folder, manner);
  }

  /** Whether it has come by more than it may. */
  get isOver(): boolean {
    return this.#entries > this.#tour.most;
  }

  /** The folder to visit next; none is left where it is undefined. */
  next(): Visit | undefined {
    return this.isOver ? undefined : this.#visits.pop();
  }

  /** Gives up some of what waits, for another to walk: what was come by first, below which there is most. */
  spare(): readonly Branch[] {
    const branches = this.#visits.filter(({ branch }) => branch !== undefined);
    const given = new Set(branches.slice(0, Math.min(mostSpared, branches.length >> 1)));
    const kept = this.#visits.filter((visit) => !given.has(visit));
    this.#visits.splice(0, Infinity, ...kept);
    return [...given].flatMap(({ branch }) => branch ?? []);
  }

  /** Walks what another one gave up. */
  add(branches: readonly Branch[]): void {
    for (const { folder, manner } of branches) this.#enter(folder, manner);
  }

  /** Takes what a folder holds, or a part of it. */
  take({ folder, each }: Visit, { folders, programs, passed }: FolderRead): void {
    if (this.isOver) return;
    this.#entries += passed;
    this.#part.entries += passed;
    if (this.isOver) return this.#note(folder, "the bound of entries was reached");
    for (const name of folders.toReversed()) each(below(folder, name), name, true);
    for (const name of programs) each(below(folder, name), name, false);
  }

  /** Takes that a folder cannot be read. */
  fail({ folder }: Visit, error: unknown): void {
    const code = systemCode(error);
    if (code === "EACCES") this.#note(closedOf(folder), why(error));
    else if (code !== "ENOENT" && code !== "ENOTDIR") this.#note(folder, why(error));
  }

  /** How much was found that nobody has taken. */
  get waiting(): number {
    return this.#part.found.length;
  }

  /** Takes what it has come by since it was last asked. */
  part(): WalkPart {
    const part = this.#part;
    this.#part = emptyPart();
    return part;
  }

  /** Visits the folders in a folder. */
  #folders(folder: RawPath, each: (path: RawPath, name: string) => void): void {
    const onlyFolders: Visit["each"] = (path, name, isFolder) => {
      if (isFolder) each(path, name);
    };
    this.#visits.push({ folder, files: false, each: onlyFolders });
  }

  #ordinary(folder: RawPath, manner: Inside): void {
    if (isFirefox(folder)) this.#find({ what: "firefox", folder });
    this.#enter(folder, manner);
  }

  #enter(folder: RawPath, manner: Inside): void {
    const places = placesBelow(folder);
    const each: Visit["each"] = (path, name, isFolder) => {
      if (isFolder) this.#folder(path, name, places, manner);
      else if (manner.programs) this.#find({ what: "program", path });
    };
    this.#visits.push({ folder, files: manner.programs, each, branch: { folder, manner } });
  }

  #folder(path: RawPath, name: string, places: readonly Place[], manner: Inside): void {
    const fitting = places.filter(({ names }) => names[0]?.(name) === true);
    const units = fitting.filter(({ kind }) => kind === fitting[0]?.kind);
    if (this.#tour.remote.has(path)) return this.#note(path, elsewhere);
    if (this.#tour.apart.has(path)) return;
    if (mayHoldContainers(name) && containerOf(`${path}/`) !== manner.container)
      return void this.#part.containers.push(toSeen(path).path);
    for (const place of units) this.#units(place, path, 1);
    if (units.some(({ through }) => through !== true)) return;
    if (name === "drive_c") this.#find({ what: "wine", folder: parentOf(path) });
    if (name === "node_modules") this.#packages(path, 4);
    else if (isSite(name)) this.#distributions(path);
    else if (isLoose(path)) this.#find({ what: "distribution", folder: path });
    else if (name === "conda-meta") this.#find({ what: "conda", folder: path });
    else if (name === "cache" && /\/(?:\.yarn|berry)\/cache$/.test(path)) this.#find({ what: "yarn", folder: path });
    else if (isKernels(path) || (manner.projects && name.startsWith(".") && !hidden.has(name))) return;
    else if (manner.depth > 0 || placesBelow(path).length > 0)
      this.#ordinary(path, { ...manner, depth: manner.depth - 1 });
  }

  /** The units in a folder that has the first `named` names of one. */
  #units(place: Place, folder: RawPath, named: number): void {
    const fits = place.names[named];
    if (fits === undefined) return this.#find({ what: place.kind, folder });
    if (place.kind === "jetbrains" && named === place.names.length - 1) this.#find({ what: "plugins", folder });
    this.#folders(folder, (path, name) => {
      if (fits(name)) this.#units(place, path, named + 1);
    });
  }

  /** Packages of a node_modules folder and, nested, of their own. */
  #packages(folder: RawPath, nested: number): void {
    this.#folders(folder, (path, name) => {
      if (stores.has(name)) this.#stored(path, nested);
      else if (name.startsWith("@")) this.#folders(path, (scoped) => this.#package(scoped, nested));
      else if (!name.startsWith(".")) this.#package(path, nested);
    });
  }

  /** node_modules/.pnpm/<name>@<version>/node_modules: there the packages are, and links to them in node_modules. npm has scopes above. */
  #stored(store: RawPath, nested: number): void {
    if (nested === 0) return;
    const places = placesBelow(store);
    this.#folders(store, (path, name) => {
      const place = places.find(({ names }) => names[0]?.(name) === true);
      if (place !== undefined) this.#units(place, path, 1);
      else if (isScope(name)) this.#stored(path, nested - 1);
      else this.#packages(below(path, "node_modules"), nested - 1);
    });
  }

  #package(folder: RawPath, nested: number): void {
    this.#find({ what: "npm", folder });
    if (nested > 0) this.#packages(below(folder, "node_modules"), nested - 1);
  }

  #distributions(site: RawPath): void {
    this.#folders(site, (path, name) => {
      if (/\.(?:dist|egg)-info$/.test(name)) this.#find({ what: "distribution", folder: path });
    });
  }

  #find(candidate: Candidate): void {
    this.#part.found.push(candidate);
  }

  /** Takes note of a place that could not be looked into. */
  #note(folder: RawPath, reason: string): void {
    if (this.#noted.has(folder)) return;
    if (this.#noted.size < mostNoted) this.#noted.add(folder);
    const { unreadable } = this.#part;
    this.#part.unreadableCount += 1;
    if (unreadable.length < mostNamed) unreadable.push({ path: toSeen(folder).path, why: reason });
  }
}

interface Part extends WalkPart {
  readonly found: Candidate[];
  entries: number;
  readonly containers: string[];
  readonly unreadable: Unreadable[];
  unreadableCount: number;
}

function emptyPart(): Part {
  return { found: [], entries: 0, containers: [], unreadable: [], unreadableCount: 0 };
}

/** Hidden folders of a project that packages lie in: virtual environments, and what conda and pixi make. */
const hidden: ReadonlySet<string> = new Set([".venv", ".env", ".virtualenv", ".conda", ".pixi", ".yarn"]);

/** Where pnpm (12's dlx: .pacquet), Bun's isolated installs, Deno and npm's linked ones keep the packages of a node_modules folder. */
const stores: ReadonlySet<string> = new Set([".pnpm", ".pacquet", ".bun", ".deno", ".store"]);

/** Folders that Firefox and what was made of it keep profiles in (on Windows and macOS one further down). */
const families: ReadonlySet<string> = new Set(["firefox", "Profiles", "librewolf", ".librewolf", ".waterfox", ".zen"]);

/** A folder of profiles, or one of them: whether it is, its files say. */
function isFirefox(folder: RawPath): boolean {
  return families.has(nameOf(folder)) || families.has(nameOf(folder.slice(0, folder.lastIndexOf("/"))));
}

function isSite(name: string): boolean {
  return name === "site-packages" || name === "dist-packages";
}

/** A distribution outside of every site-packages, as `pip install --target` lays it. What uv has unpacked in its cache is not installed. */
function isLoose(folder: RawPath): boolean {
  return folder.endsWith(".dist-info") && !folder.includes("/uv/archive-v0/");
}

/** A scope's folder of npm's linked packages; pnpm and Bun have `@scope+name@version`. */
function isScope(name: string): boolean {
  return /^@[^@+]+$/.test(name);
}

/** The kernel's own filesystems hold nothing that is installed. */
function isKernels(folder: RawPath): boolean {
  return folder === "/proc" || folder === "/sys" || folder === "/dev" || folder === "/run";
}

/** The folder that keeps us out of another one: that one itself, or the first above it that may not be entered. */
function closedOf(folder: RawPath): RawPath {
  for (let at: RawPath = folder, above = parentOf(at); ; [at, above] = [above, parentOf(above)]) {
    if (at === above || isThere(at)) return at;
  }
}
