import { watch, type FSWatcher } from "chokidar";
import { describe } from "#lib/errors.ts";
import type { InstallRoot } from "#platform/platform.ts";
import { folderAt, realPath } from "#observe/read-file.ts";
import { placesBelow, unitOf } from "#observe/places.ts";
import { nameOf, parentOf, rawFromText, toSeen, type RawPath } from "#observe/raw-path.ts";
import type { Candidate } from "#observe/tour.ts";

/** Folders and files watched at most; each takes an inotify watch, of which a user has some ten thousand (inotify(7)). */
const mostWatched = 8192;
/** How long a root may take until it is watched, before the next one begins; in milliseconds. */
const longestStart = 10_000;
/**
 * When a place is looked at after it changed, in milliseconds. npm renames a finished folder into place; others create it
 * first and fill it over seconds.
 */
const firstLook = 150;
const laterLooks = [1500, 6000];

/** A place where something was installed or changed. */
export type Changed = Candidate | { readonly what: "packages"; readonly folder: RawPath };

interface Looks {
  soon: NodeJS.Timeout | undefined;
  later: readonly NodeJS.Timeout[];
}

export interface FileWatchHealth {
  /** Folders and files that are watched. */
  readonly watched: number;
  /** What is not watched because the bound was reached. */
  readonly unwatched: number;
  readonly error: string | undefined;
}

/** Notices what is installed in folders that may not even exist yet. Links are never followed. */
export class FileWatch {
  readonly #found: (candidate: Changed) => void;
  readonly #roots = new Map<string, InstallRoot>();
  readonly #watchers: FSWatcher[] = [];
  readonly #looks = new Map<string, Looks>();
  /** Ancestors of roots that do not exist yet → what must appear below them. */
  readonly #awaited = new Map<string, Set<string>>();
  #ancestors: FSWatcher | undefined;
  #watched = 0;
  #unwatched = 0;
  #error: string | undefined;
  #closed = false;

  /** `found` is told of every place where something was installed or changed. */
  constructor(found: (candidate: Changed) => void) {
    this.#found = found;
  }

  get health(): FileWatchHealth {
    return { watched: this.#watched, unwatched: this.#unwatched, error: this.#error };
  }

  /** Watches more roots, now or as soon as they exist. Resolves when those that exist are watched. */
  async add(roots: readonly InstallRoot[]): Promise<void> {
    const fresh = roots.filter((root) => isWatched(root) && !this.#roots.has(root.path));
    for (const root of fresh) this.#roots.set(root.path, root);
    for (const root of fresh) await this.#begin(root, false);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { soon, later } of this.#looks.values()) for (const timer of [soon, ...later]) clearTimeout(timer);
    this.#looks.clear();
    await this.#ancestors?.close();
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
  }

  /** Watches a root that exists, else its nearest folder that does. `appeared`: what is in it by then is new. */
  async #begin(root: InstallRoot, appeared: boolean): Promise<void> {
    const path = rawFromText(root.path);
    if (path === undefined || this.#closed) return;
    const there = await folderAt(path);
    // A root that is a link, or lies behind one, is watched where it really is; what it holds is found by its real path.
    const real = there === undefined ? await realPath(path) : path;
    if (real !== undefined && (await folderAt(real)) !== undefined) return this.#watch(root, real, appeared);
    let missing = path;
    for (let at = parentOf(path); at !== missing; at = parentOf(at)) {
      if ((await folderAt(at)) !== undefined) return this.#await(at, missing);
      missing = at;
    }
  }

  #await(folder: RawPath, missing: RawPath): void {
    const [at, name] = [toSeen(folder).path, toSeen(missing).path];
    const names = this.#awaited.get(at) ?? new Set();
    this.#awaited.set(at, names.add(name));
    this.#ancestors ??= this.#listen(
      watch([], {
        depth: 0,
        ignoreInitial: true,
        followSymlinks: false,
        ignored: (path) => !this.#awaited.has(path) && this.#awaited.get(parentText(path))?.has(path) !== true,
      }).on("addDir", (path) => this.#appeared(path)),
    );
    this.#ancestors.add(at);
    if (names.has(name)) void this.#recheck(missing); // it may have appeared before we listened
  }

  async #recheck(missing: RawPath): Promise<void> {
    if ((await folderAt(missing)) !== undefined) this.#appeared(toSeen(missing).path);
  }

  #appeared(path: string): void {
    const parent = parentText(path);
    const names = this.#awaited.get(parent);
    if (names?.delete(path) !== true) return;
    if (names.size === 0) this.#awaited.delete(parent);
    for (const root of this.#roots.values())
      if (root.path === path || root.path.startsWith(`${path}/`)) void this.#begin(root, true);
  }

  async #watch(root: InstallRoot, real: RawPath, appeared: boolean): Promise<void> {
    const base = toSeen(real).path;
    const files = root.holds === "bin" || root.holds === "apps" || root.holds === "packages";
    let count = 0;
    const watcher = watch(base, {
      depth: root.holds === "python" ? root.depth + 3 : root.depth,
      ignoreInitial: !appeared,
      followSymlinks: false,
      atomic: true,
      ignored: (path, stats) => {
        if (path === base) return false;
        if (isIgnored(root, path.slice(base.length + 1), stats?.isFile() === true && !files)) return true;
        if (stats === undefined) return false;
        if (this.#watched >= mostWatched) {
          this.#unwatched += 1;
          return true;
        }
        return false;
      },
    });
    const seen = (path: string): void => {
      const candidate = candidateOf(root, base, path);
      if (candidate !== undefined) this.#later(candidate);
    };
    const more = (path: string): void => {
      count += 1;
      this.#watched += 1;
      seen(path);
    };
    watcher.on("add", more).on("addDir", more).on("change", seen);
    const less = (): void => {
      count -= 1;
      this.#watched -= 1;
    };
    watcher.on("unlink", less).on("unlinkDir", (path) => {
      less();
      if (path !== base) return;
      this.#watched -= count;
      void watcher.close().then(() => this.#begin(root, true));
    });
    this.#watchers.push(this.#listen(watcher));
    await listening(watcher);
  }

  #listen(watcher: FSWatcher): FSWatcher {
    return watcher.on("error", (error) => (this.#error = describe(error)));
  }

  /** Soon after the first change, and again when it is at rest: whatever is being installed is complete by the last look. */
  #later(candidate: Changed): void {
    const key = keyOf(candidate);
    const looks = this.#looks.get(key) ?? { soon: undefined, later: [] };
    this.#looks.set(key, looks);
    looks.soon ??= setTimeout(() => {
      looks.soon = undefined;
      this.#found(candidate);
    }, firstLook);
    for (const timer of looks.later) clearTimeout(timer);
    looks.later = laterLooks.map((after, i) =>
      setTimeout(() => {
        if (i === laterLooks.length - 1 && looks.soon === undefined) this.#looks.delete(key);
        this.#found(candidate);
      }, after),
    );
  }
}

/** Resolves when a watcher listens, has failed, or takes longer than a full disk of folders should. */
function listening(watcher: FSWatcher): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, longestStart);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    watcher.once("ready", done).once("error", done);
  });
}

/** A root that holds much beside what is installed would take every watch there is: a scan looks through it. */
function isWatched({ holds, path }: InstallRoot): boolean {
  return holds === "units" ? placesBelow(path).length > 0 : holds !== "home";
}

function keyOf(candidate: Changed): string {
  return `${candidate.what} ${candidate.what === "program" ? candidate.path : candidate.folder}`;
}

function parentText(path: string): string {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

/** What changes in the folder of a package manager's database: dpkg's, rpm's and apk's. pacman's has a folder for each package. */
const witnesses: ReadonlySet<string> = new Set(["status", "rpmdb.sqlite", "installed"]);

/** Parts of a path below a root that nothing is installed in, as far as we look. */
function isIgnored(root: InstallRoot, inside: string, unwantedFile: boolean): boolean {
  const parts = inside.split("/");
  switch (root.holds) {
    case "packages":
      return !witnesses.has(inside) && !(nameOf(root.path) === "local" && parts.length === 1);
    case "units":
      return (
        unwantedFile || (parts.length > 1 && placesBelow(root.path).every(({ names }) => parts.length > names.length))
      );
    case "home":
      return true;
    case "python":
      return unwantedFile || (parts.length === 2 && parts[1] !== "lib");
    case "npm": {
      const modules = nameOf(root.path) === "node_modules" ? 0 : parts.indexOf("node_modules") + 1;
      if (modules === 0 && nameOf(root.path) !== "node_modules") return unwantedFile;
      const [first = "", ...rest] = parts.slice(modules);
      return unwantedFile || first.startsWith(".") || rest.length > (first.startsWith("@") ? 1 : 0);
    }
    case "bin":
    case "apps":
      return false;
    default:
      return root.holds satisfies never;
  }
}

/** What a changed path means. */
function candidateOf(root: InstallRoot, base: string, path: string): Changed | undefined {
  const raw = rawFromText(path);
  if (raw === undefined) return undefined;
  switch (root.holds) {
    case "packages":
      return { what: "packages", folder: rawFromText(root.path) ?? raw };
    case "npm": {
      const scope = nameOf(parentText(path)).startsWith("@") ? parentText(parentText(path)) : parentText(path);
      const isPackage = nameOf(scope) === "node_modules" && !nameOf(path).startsWith("@");
      return isPackage ? { what: "npm", folder: raw } : undefined;
    }
    case "units": {
      const unit = placesBelow(base)
        .map((place) => unitOf(place, raw))
        .find((found) => found?.folder === raw);
      return unit && { what: unit.kind, folder: raw };
    }
    case "home":
      return undefined;
    case "python":
      return path.endsWith(".dist-info") ? { what: "distribution", folder: raw } : undefined;
    case "bin":
    case "apps":
      return path === base ? undefined : { what: "program", path: raw };
    default:
      return root.holds satisfies never;
  }
}
