import { setImmediate as turn } from "node:timers/promises";
import { missing, stateOf, type Footing } from "#observe/footing.ts";
import { rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import { realPath } from "#observe/read-file.ts";
import { hashOf } from "#observe/readers/dpkg.ts";
import type { PackageSeen } from "#policy/evidence.ts";

/** Bounds of ours: a package's number has 16 bits in a key. */
const mostPackages = 60_000;
const perHash = 65_536;
/** Milliseconds in which nobody installs a package manager. */
const stillMissing = 1_000;
/** Packages read before others have their turn. */
const together = 64;

/** Calls `each` with every path that a package owns, as bytes; those are the callee's only until it returns. */
export type Paths = (each: (path: Uint8Array) => void) => void;

/** One package as its manager's database has it. */
export interface Installed {
  readonly id: string;
  readonly version: string;
  /** By what its paths are found again. */
  readonly record: string;
  readonly paths: Paths;
}

/** How one package manager keeps what it has installed. */
export interface Source {
  /** Under which a package of it is known; each name means the same in all of them. */
  readonly ecosystems: readonly string[];
  readonly folder: RawPath;
  /** What changes with every installation; where it is missing, this manager has installed nothing here. */
  readonly witness: RawPath;
  readonly installed: () => AsyncIterable<Installed>;
  /** The paths of one package, read again. */
  readonly paths: (record: string) => Promise<Paths | undefined>;
  /** Why a database that is there cannot be read. */
  readonly problem?: () => Promise<string | undefined>;
}

interface Index {
  readonly records: readonly Omit<Installed, "paths">[];
  /** For every path its hash and, in the last 16 bits, the number of the record it stands in; ascending. */
  readonly keys: Float64Array;
}

/**
 * Which package of the system owns a file. The lists (some 30 MB of paths) are read once, when first asked, and kept as hashes:
 * eight bytes a path; a hit is looked up in its list again. Read anew when the package manager has changed something.
 */
export class PackageDatabase {
  readonly #source: Source;
  readonly #believed: number;
  /** The witness's state, undefined where there is none, and until when nobody looks at it again. */
  #witnessed: { readonly state: string | undefined; readonly until: number } = { state: undefined, until: 0 };
  /** Of the database whose witness is in this state. */
  #index: { readonly state: string; readonly made: Promise<Index> } | undefined;

  /** `believed`: milliseconds for which the database is taken to be as it was; at most a scan's. */
  constructor(source: Source, believed = 0) {
    this.#source = source;
    this.#believed = believed;
  }

  get ecosystems(): readonly string[] {
    return this.#source.ecosystems;
  }

  get folder(): RawPath {
    return this.#source.folder;
  }

  /** The package that installed a file, none where this manager did not. Where it cannot be read, nothing is owned. */
  async owner(path: RawPath, footing?: Footing): Promise<readonly PackageSeen[]> {
    const state = this.#state();
    if (state === undefined) return []; // no machine gets another package manager while it runs: nothing to rest on
    footing?.onState(this.#source.witness, state);
    const index = await this.#indexOf(state);
    for (const spelling of spellings(path)) {
      const wanted = Buffer.from(spelling, "latin1");
      const first = hashOf(wanted) * perHash;
      for (let i = firstOf(index.keys, first); (index.keys[i] ?? Infinity) < first + perHash; i += 1) {
        const found = index.records[(index.keys[i] ?? 0) % perHash];
        if (found === undefined || !(await this.#lists(found.record, wanted))) continue;
        if (spelling === path || (await realPath(spelling)) === path) return this.#seen(found);
      }
    }
    return [];
  }

  /** Every installed package with its version. */
  async installed(): Promise<readonly PackageSeen[]> {
    const state = this.#state();
    const records = state === undefined ? [] : (await this.#indexOf(state)).records;
    return [...new Map(records.map((one) => [one.id, one])).values()].flatMap((one) => this.#seen(one));
  }

  /** Why it cannot be read though it is there. */
  async problem(): Promise<string | undefined> {
    return this.#source.problem?.();
  }

  #seen({ id, version }: Omit<Installed, "paths">): readonly PackageSeen[] {
    return this.#source.ecosystems.map((ecosystem) => ({ ecosystem, id, version }));
  }

  async #indexOf(state: string): Promise<Index> {
    // At once: all who ask beside each other wait for one reading.
    if (this.#index?.state !== state) this.#index = { state, made: this.#build() };
    return this.#index.made;
  }

  /** Asked for every file that is looked at: at once, as one system call is no work to wait for; and seldom where there is no database. */
  #state(): string | undefined {
    const now = performance.now();
    if (now < this.#witnessed.until) return this.#witnessed.state;
    const found = stateOf(this.#source.witness);
    const state = missing.has(found) ? undefined : found;
    this.#witnessed = { state, until: now + (state === undefined ? stillMissing : this.#believed) };
    return state;
  }

  async #build(): Promise<Index> {
    const records: Index["records"][number][] = [];
    const keys: number[] = [];
    for await (const { paths, ...rest } of this.#source.installed()) {
      const number = records.push(rest) - 1;
      paths((path) => keys.push(hashOf(path) * perHash + number));
      if (records.length >= mostPackages) break;
      if (records.length % together === 0) await turn();
    }
    return { records, keys: Float64Array.from(keys).toSorted() };
  }

  async #lists(record: string, path: Buffer): Promise<boolean> {
    const paths = await this.#source.paths(record);
    let found = false;
    paths?.((one) => (found ||= path.equals(one)));
    return found;
  }
}

/** A merged /usr (systemd's file-hierarchy(7)) has /bin/true as /usr/bin/true, and some have /usr/sbin in /usr/bin; lists may have either. */
function spellings(path: RawPath): readonly RawPath[] {
  const [, folder = "", rest = ""] = /^\/usr\/(s?bin|lib(?:32|64|x32)?)(\/.*)$/s.exec(path) ?? [];
  if (folder === "") return [path];
  const others = folder === "bin" ? ["/usr/sbin", "/bin", "/sbin"] : [`/${folder}`];
  return [
    path,
    ...others
      .map((other) => rawFromBytes(Buffer.from(`${other}${rest}`, "latin1")))
      .filter((other) => other !== undefined),
  ];
}

/** The first place of a value in an ascending array, or where it would stand. */
function firstOf(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
