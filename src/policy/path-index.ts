import { Bloom, rollingHash } from "#lib/pure/bloom.ts";
import { expandBraces, matchGlob } from "#lib/pure/glob.ts";
import { each, type Pieces } from "#lib/pure/pieces.ts";

const maxGlobs = 2_000_000;

/** Where globs lie, by what a path must have so that they match. */
interface Shelves<T> {
  /** By a folder or file name that stands in the glob as it is. */
  readonly byName: Map<string, Entry<T> | Entry<T>[]>;
  /** By the first or the last letters of a name with wildcards. */
  readonly byPrefix: Trie<T>;
  readonly bySuffix: Trie<T>;
  /** Globs with nothing one could look up, such as **\/*x*: tried one after the other. */
  readonly loose: Entry<T>[];
}

/** @param globs each with its value; braces and `~/` allowed. @throws RangeError for more than 2,000,000 without braces */
export function* pathIndexInPieces<T>(globs: Iterable<readonly [glob: string, value: T]>): Pieces<PathIndex<T>> {
  const entries: (readonly [entry: Entry<T>, anchors: readonly string[]])[] = [];
  const uses = new Map<string, number>();
  yield* each(globs, ([text, value]) => {
    for (const glob of expandBraces(text)) {
      const anchors = anchorsOf(glob);
      entries.push([{ glob, value }, anchors]);
      if (entries.length > maxGlobs) throw new RangeError(`more than ${maxGlobs} path globs, braces written out`);
      for (const anchor of anchors) uses.set(anchor, (uses.get(anchor) ?? 0) + 1);
    }
  });
  const shelves: Shelves<T> = {
    byName: new Map(),
    byPrefix: new Trie("forwards"),
    bySuffix: new Trie("backwards"),
    loose: [],
  };
  yield* each(entries, ([entry, anchors]) => shelve(shelves, entry, rarest(anchors, uses)));
  const names = new Bloom(shelves.byName.size);
  yield* each(shelves.byName.keys(), (name) => names.add(rollingHash(name)));
  return new PathIndex(shelves, names);
}

/** What the fewest other globs have too: "tool-7-*" rather than "bin". */
function rarest(anchors: readonly string[], uses: ReadonlyMap<string, number>): string | undefined {
  let found: string | undefined;
  for (const anchor of anchors)
    if (found === undefined || (uses.get(anchor) ?? 0) < (uses.get(found) ?? 0)) found = anchor;
  return found;
}

function shelve<T>(
  { byName, byPrefix, bySuffix, loose }: Shelves<T>,
  entry: Entry<T>,
  anchor: string | undefined,
): void {
  if (anchor === undefined) loose.push(entry);
  else if (anchor.endsWith("*")) byPrefix.add(anchor.slice(0, -1), entry);
  else if (anchor.startsWith("*")) bySuffix.add(anchor.slice(1), entry);
  else {
    const there = byName.get(anchor);
    if (there === undefined) byName.set(anchor, entry);
    else if (Array.isArray(there)) there.push(entry);
    else byName.set(anchor, [there, entry]);
  }
}

/** A value under each of many globs; what a path asks for does not grow with the number of globs. */
export class PathIndex<T> {
  readonly #shelves: Shelves<T>;
  readonly #names: Bloom;

  constructor(shelves: Shelves<T>, names: Bloom) {
    this.#shelves = shelves;
    this.#names = names;
  }

  /** How many globs every path is tried against. */
  get loose(): number {
    return this.#shelves.loose.length;
  }

  /**
   * Calls back with the value of each glob that matches, perhaps more than once with the same.
   * @param path absolute; on Windows with either slash
   * @param exact whether small and capital letters are different in file names, as they are on Linux
   */
  match(path: string, exact: boolean, found: (value: T) => void): void {
    const lower = (exact ? path : path.replaceAll("\\", "/")).toLowerCase();
    const asked = exact ? path : lower;
    const visit = ({ glob, value }: Entry<T>): void => {
      const against = glob.startsWith("~/") ? inHome(asked) : asked;
      if (against !== undefined && matchGlob(exact ? glob : glob.toLowerCase(), against)) found(value);
    };
    for (let from = 0; from <= lower.length;) {
      const slash = lower.indexOf("/", from);
      const to = slash === -1 ? lower.length : slash;
      if (to > from) this.#lookUp(lower, from, to, visit);
      from = to + 1;
    }
    this.#shelves.loose.forEach(visit);
  }

  /** Everything that one name of the path is an anchor of. */
  #lookUp(path: string, from: number, to: number, visit: (entry: Entry<T>) => void): void {
    this.#shelves.byPrefix.along(path, from, to, visit);
    this.#shelves.bySuffix.along(path, from, to, visit);
    if (!this.#names.perhaps(rollingHash(path, from, to))) return;
    const there = this.#shelves.byName.get(path.slice(from, to));
    if (Array.isArray(there)) there.forEach(visit);
    else if (there !== undefined) visit(there);
  }
}

interface Entry<T> {
  readonly glob: string;
  readonly value: T;
}

/** What a path must have for a glob to match, in small letters: whole names, beginnings (x*) and endings (*x) of names. */
function anchorsOf(glob: string): readonly string[] {
  const whole: string[] = [];
  const parts: string[] = [];
  for (const name of glob.toLowerCase().split("/")) {
    if (name === "" || name === "~") continue;
    const first = name.search(/[*?]/);
    if (first === -1) whole.push(name);
    else {
      const last = Math.max(name.lastIndexOf("*"), name.lastIndexOf("?"));
      if (first > 0) parts.push(`${name.slice(0, first)}*`);
      if (last < name.length - 1) parts.push(`*${name.slice(last + 1)}`);
    }
  }
  return [...whole, ...parts];
}

/** Where people's homes are, one folder a person: Linux, Fedora's atomic systems, macOS; and Windows behind a drive. */
const homes = ["/home/", "/var/home/", "/Users/", "/users/"];

/** "~/" and the rest of a path below anybody's home; undefined elsewhere. */
function inHome(path: string): string | undefined {
  if (path.startsWith("~/")) return path;
  if (path.startsWith("/root/")) return `~${path.slice("/root".length)}`;
  const drive = path.charCodeAt(1) === 0x3a ? 2 : 0;
  const home = homes.find((prefix) => path.startsWith(prefix, drive));
  if (home === undefined) return undefined;
  const person = drive + home.length;
  const slash = path.indexOf("/", person);
  return slash > person ? `~${path.slice(slash)}` : undefined;
}

/** Entries by the first characters of a text, or by its last ones. */
class Trie<T> {
  readonly #root: Node<T> = { next: undefined, entries: undefined };
  readonly #backwards: boolean;

  constructor(direction: "forwards" | "backwards") {
    this.#backwards = direction === "backwards";
  }

  add(text: string, entry: Entry<T>): void {
    let node = this.#root;
    for (let i = 0; i < text.length; i += 1) {
      const c = text.charCodeAt(this.#backwards ? text.length - 1 - i : i);
      node.next ??= new Map();
      let next = node.next.get(c);
      if (next === undefined) node.next.set(c, (next = { next: undefined, entries: undefined }));
      node = next;
    }
    node.entries ??= [];
    node.entries.push(entry);
  }

  /** Every entry whose text the name that stands between `from` and `to` begins, or ends, with. */
  along(text: string, from: number, to: number, visit: (entry: Entry<T>) => void): void {
    let node: Node<T> | undefined = this.#root;
    for (let i = 0; node !== undefined; i += 1) {
      node.entries?.forEach(visit);
      if (i === to - from) return;
      node = node.next?.get(text.charCodeAt(this.#backwards ? to - 1 - i : from + i));
    }
  }
}

interface Node<T> {
  next: Map<number, Node<T>> | undefined;
  entries: Entry<T>[] | undefined;
}
