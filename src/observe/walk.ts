import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { systemCode } from "#lib/errors.ts";
import { placesBelow, type Place, type PlaceKind } from "#observe/places.ts";
import { below, nameOf, rawFromBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { why } from "#observe/read-file.ts";

/** Something that can be installed, as its place in a tree says. Nothing of it was read yet. */
export type Candidate =
  | { readonly what: "npm" | "distribution" | PlaceKind; readonly folder: RawPath }
  /** A regular file, or a link that may lead to one. */
  | { readonly what: "program"; readonly path: RawPath };

/** A place that could not be looked into. */
export interface Unreadable {
  readonly path: string;
  readonly why: string;
}

/** Names kept of places that could not be read; more are only counted. */
const mostNamed = 1000;

/** What of a tree is looked at. */
export interface Manner {
  /** Ordinary folders deep. */
  readonly depth: number;
  /** Whether its files are programs. */
  readonly programs: boolean;
  /** Whether only those hidden folders are entered that projects keep packages in. */
  readonly projects: boolean;
}

/** Walks folders, links never followed. Collects what it could not read. */
export class Walker {
  readonly #signal: AbortSignal | undefined;
  readonly #apart: ReadonlySet<string>;
  readonly unreadable: Unreadable[] = [];
  unreadableCount = 0;
  /** Entries that may still be looked at, so that no tree keeps a scan for ever. */
  #left: number;

  /** `apart`: folders that are walked by themselves, and not as a part of another. */
  constructor(options: {
    readonly most: number;
    readonly signal?: AbortSignal | undefined;
    readonly apart?: ReadonlySet<string>;
  }) {
    this.#left = options.most;
    this.#signal = options.signal;
    this.#apart = options.apart ?? new Set();
  }

  /** Everything installed in a folder. */
  async *walk(folder: RawPath, manner: Manner): AsyncGenerator<Candidate> {
    if (nameOf(folder) === "node_modules") yield* this.#packages(folder, 4);
    else if (isSite(folder)) yield* this.#distributions(folder);
    else yield* this.#ordinary(folder, manner);
  }

  async *#ordinary(folder: RawPath, manner: Manner): AsyncGenerator<Candidate> {
    const places = placesBelow(folder);
    for await (const { path, entry } of this.#entries(folder)) {
      if (entry.isDirectory()) yield* this.#folder(path, places, manner);
      else if (manner.programs && (entry.isFile() || entry.isSymbolicLink())) yield { what: "program", path };
    }
  }

  async *#folder(path: RawPath, places: readonly Place[], manner: Manner): AsyncGenerator<Candidate> {
    const name = nameOf(path);
    const place = places.find(({ names }) => names[0]?.(name) === true);
    if (this.#apart.has(path)) return;
    if (place !== undefined) yield* this.#units(place, path, 1);
    else if (name === "node_modules") yield* this.#packages(path, 4);
    else if (isSite(path)) yield* this.#distributions(path);
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

  /** node_modules/.pnpm/<name>@<version>/node_modules: there the packages are, and links to them in node_modules. */
  async *#stored(store: RawPath, nested: number): AsyncGenerator<Candidate> {
    if (nested === 0) return;
    for await (const { path, entry } of this.#entries(store))
      if (entry.isDirectory()) yield* this.#packages(below(path, "node_modules"), nested - 1);
  }

  async *#package(folder: RawPath, nested: number): AsyncGenerator<Candidate> {
    yield { what: "npm", folder };
    if (nested > 0) yield* this.#packages(below(folder, "node_modules"), nested - 1);
  }

  async *#distributions(site: RawPath): AsyncGenerator<Candidate> {
    for await (const { path, entry } of this.#entries(site))
      if (entry.isDirectory() && nameOf(path).endsWith(".dist-info")) yield { what: "distribution", folder: path };
  }

  async *#entries(folder: RawPath): AsyncGenerator<{ readonly path: RawPath; readonly entry: Dirent }> {
    if (this.#left <= 0 || this.#isOver()) return;
    try {
      // Names come as Latin-1, one character a byte: opendir's types know no buffers.
      for await (const entry of await opendir(Buffer.from(folder, "latin1"), { encoding: "latin1" })) {
        if (this.#isOver()) return;
        this.#left -= 1;
        if (this.#left < 0) return this.note(folder, "the bound of entries was reached");
        const path = rawFromBytes(Buffer.from(`${folder === "/" ? "" : folder}/${entry.name}`, "latin1"));
        if (path !== undefined) yield { path, entry };
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") this.note(folder, why(error));
    }
  }

  #isOver(): boolean {
    return this.#signal?.aborted === true;
  }

  /** Takes note of a place that could not be looked into. */
  note(folder: RawPath, reason: string): void {
    this.unreadableCount += 1;
    if (this.unreadable.length < mostNamed) this.unreadable.push({ path: toSeen(folder).path, why: reason });
  }
}

/** Hidden folders of a project that packages lie in: virtual environments, and what conda and pixi make. */
const hidden: ReadonlySet<string> = new Set([".venv", ".env", ".virtualenv", ".conda", ".pixi", ".yarn"]);

/** Where pnpm, Bun's isolated installs and npm's linked ones keep the packages of a node_modules folder. */
const stores: ReadonlySet<string> = new Set([".pnpm", ".bun", ".store"]);

function isSite(folder: RawPath): boolean {
  const name = nameOf(folder);
  return name === "site-packages" || name === "dist-packages";
}

/** The kernel's own filesystems hold nothing that is installed. */
function isKernels(folder: RawPath): boolean {
  return folder === "/proc" || folder === "/sys" || folder === "/dev" || folder === "/run";
}
