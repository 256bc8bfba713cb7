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

/** What a folder is taken for. */
type Taken = "ordinary" | "packages" | "scope" | "store" | "site";
interface Visit {
  readonly folder: RawPath;
  readonly as: Taken;
  /** Folders that may still be gone down: ordinary ones, or packages within packages. */
  readonly left: number;
}

export interface WalkerOptions {
  /** Entries that it looks at, so that no tree keeps a scan for ever. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
  /** Reads folders at once; left out, each is waited for, and nobody is held up by a disk. */
  readonly reader?: FolderReader | undefined;
}

/** Packages within packages, as npm nests them. */
const nested = 4;

/** Walks folders, links never followed. Collects what it could not read. */
export class Walker {
  readonly #options: WalkerOptions;
  readonly unreadable: Unreadable[] = [];
  unreadableCount = 0;
  /** How many entries it has come by. */
  entries = 0;
  #read = 0;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** Everything installed in a folder, `depth` ordinary folders deep. `programs`: whether files of it are programs. */
  async *walk(folder: RawPath, depth: number, programs: boolean): AsyncGenerator<Candidate> {
    const todo: Visit[] = [visitOf(folder, depth)];
    for (let visit = todo.pop(); visit !== undefined && !this.#isOver(); visit = todo.pop()) {
      const files = programs && visit.as === "ordinary";
      for await (const entries of this.#parts(visit.folder, files))
        for (const entry of entries)
          for (const one of taken(visit, entry))
            if ("as" in one) todo.push(one);
            else if (programs || one.what !== "program") yield one;
    }
  }

  /** The entries of a folder, part by part. What cannot be read is noted. */
  async *#parts(folder: RawPath, files: boolean): AsyncGenerator<readonly FolderEntry[]> {
    const { reader } = this.#options;
    try {
      const parts = reader === undefined ? waitedFor(folder) : reader.read(toBytes(folder), files);
      for await (const { entries, passed } of parts) {
        if (this.#isOver()) return;
        this.entries += passed;
        if (this.entries > this.#options.most) return this.#note(folder, "the bound of entries was reached");
        yield entries;
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") this.#note(folder, why(error));
    }
    this.#read += 1;
    if (reader !== undefined && this.#read % atOnce === 0) await turn();
  }

  #isOver(): boolean {
    return this.#options.signal?.aborted === true || this.entries > this.#options.most;
  }

  #note(folder: RawPath, reason: string): void {
    this.unreadableCount += 1;
    if (this.unreadable.length < mostNamed) this.unreadable.push({ path: toSeen(folder).path, why: reason });
  }
}

/** One folder by Node's own means, entry by entry: memory does not grow with it. */
async function* waitedFor(folder: RawPath): AsyncGenerator<FolderPart> {
  // Names come as Latin-1, one character a byte: opendir's types know no buffers.
  for await (const entry of await opendir(toBytes(folder), { encoding: "latin1" })) {
    const kind = entry.isDirectory() ? "folder" : entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : undefined;
    yield { entries: kind === undefined ? [] : [{ name: entry.name, kind }], passed: 1 };
  }
}

function visitOf(folder: RawPath, depth: number): Visit {
  const name = nameOf(folder);
  if (name === "node_modules") return { folder, as: "packages", left: nested };
  return { folder, as: isSite(name) ? "site" : "ordinary", left: depth };
}

/** What an entry is, and which folders it leads to. */
function taken({ folder, as, left }: Visit, { name, kind }: FolderEntry): readonly (Candidate | Visit)[] {
  const path = below(folder, name);
  if (kind !== "folder") return as === "ordinary" ? [{ what: "program", path }] : [];
  switch (as) {
    case "ordinary":
      if (name === "node_modules" || isSite(name)) return [visitOf(path, 0)];
      if (nameOf(folder) === "extensions" && name.includes(".")) return [{ what: "extension", folder: path }];
      return left > 0 && !isKernels(path) ? [{ folder: path, as, left: left - 1 }] : [];
    case "packages":
      if (name === ".pnpm") return [{ folder: path, as: "store", left: 0 }];
      if (name.startsWith("@")) return [{ folder: path, as: "scope", left }];
      return name.startsWith(".") ? [] : packageAt(path, left);
    case "scope":
      return packageAt(path, left);
    case "store": // pnpm's own: .pnpm/<id>@<version>/node_modules/<id>
      return [{ folder: below(path, "node_modules"), as: "packages", left }];
    case "site":
      return name.endsWith(".dist-info") ? [{ what: "distribution", folder: path }] : [];
    default:
      return as satisfies never;
  }
}

function packageAt(folder: RawPath, left: number): readonly (Candidate | Visit)[] {
  const own = { what: "npm", folder } as const;
  return left > 0 ? [own, { folder: below(folder, "node_modules"), as: "packages", left: left - 1 }] : [own];
}

function isSite(name: string): boolean {
  return name === "site-packages" || name === "dist-packages";
}

/** The kernel's own filesystems hold nothing that is installed. */
function isKernels(folder: RawPath): boolean {
  return folder === "/proc" || folder === "/sys" || folder === "/dev" || folder === "/run";
}
