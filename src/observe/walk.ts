import { opendir } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { systemCode } from "#lib/errors.ts";
import { below, nameOf, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { why } from "#observe/read-file.ts";
import type { FolderEntry, FolderPart, FolderReader } from "#platform/platform.ts";

/** Something that can be installed, as its place in a tree says. Nothing of it was read yet. */
export type Candidate =
  | { readonly what: "npm"; readonly folder: RawPath }
  | { readonly what: "extension"; readonly folder: RawPath }
  | { readonly what: "distribution"; readonly folder: RawPath }
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
}

/** Walks folders, links never followed. Collects what it could not read. */
export class Walker {
  readonly #options: WalkerOptions;
  readonly unreadable: Unreadable[] = [];
  unreadableCount = 0;
  /** Entries that it has come by. */
  entries = 0;
  #folders = 0;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** Everything installed in a folder, `depth` ordinary folders deep. `programs`: whether files of it are programs. */
  async *walk(folder: RawPath, depth: number, programs: boolean): AsyncGenerator<Candidate> {
    if (nameOf(folder) === "node_modules") yield* this.#packages(folder, 4);
    else if (isSite(folder)) yield* this.#distributions(folder);
    else yield* this.#ordinary(folder, depth, programs);
  }

  async *#ordinary(folder: RawPath, depth: number, programs: boolean): AsyncGenerator<Candidate> {
    const extensions = nameOf(folder) === "extensions";
    for await (const { path, entry } of this.#entries(folder, programs)) {
      const isFolder = entry.isDirectory();
      if (isFolder && nameOf(path) === "node_modules") yield* this.#packages(path, 4);
      else if (isFolder && isSite(path)) yield* this.#distributions(path);
      else if (isFolder && extensions && nameOf(path).includes(".")) yield { what: "extension", folder: path };
      else if (isFolder && depth > 0 && !isKernels(path)) yield* this.#ordinary(path, depth - 1, programs);
      else if (programs && (entry.isFile() || entry.isSymbolicLink())) yield { what: "program", path };
    }
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
        if (this.entries > most) return this.#note(folder, "the bound of entries was reached");
        for (const entry of entries) yield { path: below(folder, entry.name), entry };
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") this.#note(folder, why(error));
    }
    this.#folders += 1;
    if (reader !== undefined && this.#folders % atOnce === 0) await turn();
  }

  #isOver(): boolean {
    return this.#options.signal?.aborted === true;
  }

  #note(folder: RawPath, reason: string): void {
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
