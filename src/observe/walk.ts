import { opendir } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { systemCode } from "#lib/errors.ts";
import { containerOf } from "#lib/pure/containers.ts";
import { placesBelow, type Place, type PlaceKind } from "#observe/places.ts";
import { below, nameOf, parentOf, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { isThere, why } from "#observe/read-file.ts";
import type { FolderEntry, FolderPart, FolderReader } from "#platform/platform.ts";

/** Something that can be installed, as its place in a tree says. Nothing of it was read yet. */
export type Candidate =
  | {
      readonly what: "npm" | "distribution" | "conda" | "firefox" | "yarn" | "wine" | PlaceKind;
      readonly folder: RawPath;
    }
  /** A regular file, or a link that may lead to one. */
  | { readonly what: "program"; readonly path: RawPath };

/** A place that could not be looked into. */
export interface Unreadable {
  readonly path: string;
  readonly why: string;
}

/** Names kept of places that could not be read; more are only counted. */
const mostNamed = 1000;
/** Folders read at once before others have their turn. */
const atOnce = 256;

interface WalkerOptions {
  /** Entries that it looks at, so that no tree keeps a scan for ever. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
  /** Reads folders at once; where left out each is waited for, and no disk holds anybody up. */
  readonly reader?: FolderReader | undefined;
  /** Folders that are walked by themselves, and not as a part of another. */
  readonly apart?: ReadonlySet<string> | undefined;
  /** Folders that nobody walks. */
  readonly remote?: ReadonlySet<string> | undefined;
}

/** What of a tree is looked at. */
interface Manner {
  /** Ordinary folders deep. */
  readonly depth: number;
  /** Whether its files are programs. */
  readonly programs: boolean;
  /** Whether only those hidden folders are entered that projects keep packages in. */
  readonly projects: boolean;
  /** The engine whose container or image is walked. */
  readonly container: string | undefined;
}

const elsewhere = "another machine has it: it is looked through there";

/** Places remembered so that none is counted twice. */
const mostNoted = 100_000;

/** Walks folders, links never followed. Collects what it could not read. */
export class Walker {
  readonly #options: WalkerOptions;
  /** Folders of containers and images that were not entered: what is installed there is not installed here. */
  readonly containers = new Set<string>();
  readonly unreadable: Unreadable[] = [];
  unreadableCount = 0;
  readonly #noted = new Set<RawPath>();
  /** Entries that it has come by. */
  entries = 0;
  #folders = 0;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** Everything installed in a folder; in one of a container, all of that too. */
  async *walk(folder: RawPath, how: Omit<Manner, "container">): AsyncGenerator<Candidate> {
    const manner = { ...how, container: containerOf(`${folder}/`) };
    if (this.#options.remote?.has(folder) === true) return this.note(folder, elsewhere);
    if (nameOf(folder) === "node_modules") yield* this.#packages(folder, 4);
    else if (isSite(folder)) yield* this.#distributions(folder);
    else yield* this.#ordinary(folder, manner);
  }

  async *#ordinary(folder: RawPath, manner: Manner): AsyncGenerator<Candidate> {
    const places = placesBelow(folder);
    if (isFirefox(folder)) yield { what: "firefox", folder };
    for await (const { path, entry } of this.#entries(folder, manner.programs)) {
      if (entry.isDirectory()) yield* this.#folder(path, places, manner);
      else if (manner.programs && (entry.isFile() || entry.isSymbolicLink())) yield { what: "program", path };
    }
  }

  async *#folder(path: RawPath, places: readonly Place[], manner: Manner): AsyncGenerator<Candidate> {
    const name = nameOf(path);
    const fitting = places.filter(({ names }) => names[0]?.(name) === true);
    const units = fitting.filter(({ kind }) => kind === fitting[0]?.kind);
    if (this.#options.remote?.has(path) === true) return this.note(path, elsewhere);
    if (this.#options.apart?.has(path) === true) return;
    if (containerOf(`${path}/`) !== manner.container) return void this.containers.add(toSeen(path).path);
    for (const place of units) yield* this.#units(place, path, 1);
    if (units.some(({ through }) => through !== true)) return;
    if (name === "drive_c") yield { what: "wine", folder: parentOf(path) };
    if (name === "node_modules") yield* this.#packages(path, 4);
    else if (isSite(path)) yield* this.#distributions(path);
    else if (isLoose(path)) yield { what: "distribution", folder: path };
    else if (name === "conda-meta") yield { what: "conda", folder: path };
    else if (/\/(?:\.yarn|berry)\/cache$/.test(path)) yield { what: "yarn", folder: path };
    else if (isKernels(path) || (manner.projects && name.startsWith(".") && !hidden.has(name))) return;
    else if (manner.depth > 0 || placesBelow(path).length > 0)
      yield* this.#ordinary(path, { ...manner, depth: manner.depth - 1 });
  }

  /** The units in a folder that has the first `named` names of one. */
  async *#units(place: Place, folder: RawPath, named: number): AsyncGenerator<Candidate> {
    const fits = place.names[named];
    if (fits === undefined) return yield { what: place.kind, folder };
    for await (const { path, entry } of this.#entries(folder))
      if (entry.isDirectory() && fits(nameOf(path))) yield* this.#units(place, path, named + 1);
  }

  /** Packages of a node_modules folder and, nested, of their own. */
  async *#packages(folder: RawPath, nested: number): AsyncGenerator<Candidate> {
    for await (const { path, entry } of this.#entries(folder)) {
      const name = nameOf(path);
      if (!entry.isDirectory()) continue;
      if (stores.has(name)) yield* this.#stored(path, nested);
      else if (name.startsWith("@")) {
        for await (const scoped of this.#entries(path))
          if (scoped.entry.isDirectory()) yield* this.#package(scoped.path, nested);
      } else if (!name.startsWith(".")) yield* this.#package(path, nested);
    }
  }

  /** node_modules/.pnpm/<name>@<version>/node_modules: there the packages are, and links to them in node_modules. npm has scopes above. */
  async *#stored(store: RawPath, nested: number): AsyncGenerator<Candidate> {
    if (nested === 0) return;
    const places = placesBelow(store);
    for await (const { path, entry } of this.#entries(store)) {
      if (!entry.isDirectory()) continue;
      const place = places.find(({ names }) => names[0]?.(nameOf(path)) === true);
      if (place !== undefined) yield* this.#units(place, path, 1);
      else if (isScope(nameOf(path))) yield* this.#stored(path, nested - 1);
      else yield* this.#packages(below(path, "node_modules"), nested - 1);
    }
  }

  async *#package(folder: RawPath, nested: number): AsyncGenerator<Candidate> {
    yield { what: "npm", folder };
    if (nested > 0) yield* this.#packages(below(folder, "node_modules"), nested - 1);
  }

  async *#distributions(site: RawPath): AsyncGenerator<Candidate> {
    for await (const { path, entry } of this.#entries(site))
      if (entry.isDirectory() && /\.(?:dist|egg)-info$/.test(nameOf(path)))
        yield { what: "distribution", folder: path };
  }

  /** What is in a folder; of its files only those that may be run, and only where `files` are asked for, as far as the reader can tell. */
  async *#entries(
    folder: RawPath,
    files = false,
  ): AsyncGenerator<{ readonly path: RawPath; readonly entry: FolderEntry }> {
    const { reader, most } = this.#options;
    if (this.entries >= most || this.#isOver()) return;
    try {
      for await (const { entries, passed } of reader?.read(toBytes(folder), files) ?? waitedFor(folder)) {
        if (this.#isOver()) return;
        this.entries += passed;
        if (this.entries > most) return this.note(folder, "the bound of entries was reached");
        for (const entry of entries) yield { path: below(folder, entry.name), entry };
      }
    } catch (error) {
      const code = systemCode(error);
      if (code === "EACCES") this.note(await closedOf(folder), why(error));
      else if (code !== "ENOENT" && code !== "ENOTDIR") this.note(folder, why(error));
    }
    this.#folders += 1;
    if (reader !== undefined && this.#folders % atOnce === 0) await turn();
  }

  #isOver(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Takes note of a place that could not be looked into. */
  note(folder: RawPath, reason: string): void {
    if (this.#noted.has(folder)) return;
    if (this.#noted.size < mostNoted) this.#noted.add(folder);
    this.unreadableCount += 1;
    if (this.unreadable.length < mostNamed) this.unreadable.push({ path: toSeen(folder).path, why: reason });
  }
}

/** One folder by Node's own means, entry by entry: memory does not grow with it. */
async function* waitedFor(folder: RawPath): AsyncGenerator<FolderPart> {
  // Names come as Latin-1, one character a byte: opendir's types know no buffers.
  for await (const entry of await opendir(toBytes(folder), { encoding: "latin1" }))
    yield { entries: [entry], passed: 1 };
}

/** Hidden folders of a project that packages lie in: virtual environments, and what conda and pixi make. */
const hidden: ReadonlySet<string> = new Set([".venv", ".env", ".virtualenv", ".conda", ".pixi", ".yarn"]);

/** Where pnpm (12's dlx: .pacquet), Bun's isolated installs, Deno and npm's linked ones keep the packages of a node_modules folder. */
const stores: ReadonlySet<string> = new Set([".pnpm", ".pacquet", ".bun", ".deno", ".store"]);

/** Folders that Firefox and what was made of it keep profiles in (on Windows and macOS one further down). */
const families: ReadonlySet<string> = new Set(["firefox", "Profiles", "librewolf", ".librewolf", ".waterfox", ".zen"]);

/** A folder of profiles, or one of them: whether it is, its files say. */
function isFirefox(folder: RawPath): boolean {
  return families.has(nameOf(folder)) || families.has(nameOf(parentOf(folder)));
}

function isSite(folder: RawPath): boolean {
  const name = nameOf(folder);
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
async function closedOf(folder: RawPath): Promise<RawPath> {
  for (let at: RawPath = folder, above = parentOf(at); ; [at, above] = [above, parentOf(above)]) {
    if (at === above || (await isThere(at))) return at;
  }
}
