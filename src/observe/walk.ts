import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { systemCode } from "#lib/errors.ts";
import { below, nameOf, rawFromBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { why } from "#observe/read-file.ts";

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

/** Walks folders, links never followed. Collects what it could not read. */
export class Walker {
  readonly #signal: AbortSignal | undefined;
  readonly unreadable: Unreadable[] = [];
  unreadableCount = 0;
  /** Entries that may still be looked at, so that no tree keeps a scan for ever. */
  #left: number;

  constructor(options: { readonly most: number; readonly signal?: AbortSignal | undefined }) {
    this.#left = options.most;
    this.#signal = options.signal;
  }

  /** Everything installed in a folder, `depth` ordinary folders deep. `programs`: whether files of it are programs. */
  async *walk(folder: RawPath, depth: number, programs: boolean): AsyncGenerator<Candidate> {
    if (nameOf(folder) === "node_modules") yield* this.#packages(folder, 4);
    else if (isSite(folder)) yield* this.#distributions(folder);
    else yield* this.#ordinary(folder, depth, programs);
  }

  async *#ordinary(folder: RawPath, depth: number, programs: boolean): AsyncGenerator<Candidate> {
    const extensions = nameOf(folder) === "extensions";
    for await (const { path, entry } of this.#entries(folder)) {
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
      if (!entry.isDirectory() || name.startsWith(".")) continue;
      if (name.startsWith("@")) {
        for await (const scoped of this.#entries(path))
          if (scoped.entry.isDirectory()) yield* this.#package(scoped.path, nested);
      } else yield* this.#package(path, nested);
    }
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
        if (this.#left < 0) return this.#note(folder, "the bound of entries was reached");
        const path = rawFromBytes(Buffer.from(`${folder === "/" ? "" : folder}/${entry.name}`, "latin1"));
        if (path !== undefined) yield { path, entry };
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") this.#note(folder, why(error));
    }
  }

  #isOver(): boolean {
    return this.#signal?.aborted === true;
  }

  #note(folder: RawPath, reason: string): void {
    this.unreadableCount += 1;
    if (this.unreadable.length < mostNamed) this.unreadable.push({ path: toSeen(folder).path, why: reason });
  }
}

function isSite(folder: RawPath): boolean {
  const name = nameOf(folder);
  return name === "site-packages" || name === "dist-packages";
}

/** The kernel's own filesystems hold nothing that is installed. */
function isKernels(folder: RawPath): boolean {
  return folder === "/proc" || folder === "/sys" || folder === "/dev" || folder === "/run";
}
