import { readdir, stat } from "node:fs/promises";
import type { Footing } from "#observe/footing.ts";
import type { PackageSeen } from "#policy/evidence.ts";
import { below, rawFromText, toBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { eachLine, hashOf, packageOfList, parseStatus } from "#observe/readers/dpkg.ts";

const mostPackages = 20_000;
/** A list's number has 16 bits, a hash 32: together exact in a double. */
const perHash = 65_536;
const longestList = 16 * 1024 * 1024;
const longestStatus = 64 * 1024 * 1024;

interface Index {
  /** Names of the list files. */
  readonly lists: readonly string[];
  /** For every path its hash and, in the last 16 bits, the number of the list it stands in; ascending. */
  readonly keys: Float64Array;
  readonly versions: ReadonlyMap<string, string>;
  readonly changed: string;
}

/**
 * Which Debian package owns a file. The lists (some 30 MB of paths) are read once, when first asked, and kept as hashes: eight
 * bytes a path; a hit is looked up in its list again. Read anew when dpkg has changed something.
 */
export class DpkgDatabase {
  readonly #folder: RawPath;
  #index: Promise<Index> | undefined;

  /** `folder` is dpkg's admindir, /var/lib/dpkg. */
  constructor(folder: string) {
    const raw = rawFromText(folder);
    if (raw === undefined) throw new RangeError("no path");
    this.#folder = raw;
  }

  /** The package that installed a file; undefined where dpkg did not. Where it cannot be read, nothing is owned. */
  async owner(path: RawPath, footing?: Footing): Promise<PackageSeen | undefined> {
    footing?.on(below(this.#folder, "status"));
    const index = await this.#current();
    for (const spelling of spellings(path)) {
      const wanted = Buffer.from(spelling, "latin1");
      const first = hashOf(wanted) * perHash;
      for (let i = firstOf(index.keys, first); (index.keys[i] ?? Infinity) < first + perHash; i += 1) {
        const list = index.lists[(index.keys[i] ?? 0) % perHash];
        const name = list === undefined ? undefined : packageOfList(list);
        if (list === undefined || name === undefined || !(await this.#lists(list, wanted))) continue;
        const version = index.versions.get(name);
        if (version !== undefined) return { ecosystem: "deb", id: name, version };
      }
    }
    return undefined;
  }

  /** Every installed package with its version. */
  async installed(): Promise<readonly PackageSeen[]> {
    const { versions } = await this.#current();
    return [...versions].map(([id, version]) => ({ ecosystem: "deb", id, version }));
  }

  async #current(): Promise<Index> {
    const changed = await this.#changed();
    const index = await this.#index;
    if (index?.changed === changed) return index;
    this.#index = this.#build(changed);
    return this.#index;
  }

  /** Whoever owns the database itself: only what they wrote counts. */
  async #ownedBy(): Promise<number> {
    try {
      return (await stat(toBytes(this.#folder))).uid;
    } catch {
      return 0;
    }
  }

  async #changed(): Promise<string> {
    try {
      const status = await stat(toBytes(below(this.#folder, "status")), { bigint: true });
      return `${status.ino} ${status.mtimeNs} ${status.size}`;
    } catch {
      return "absent";
    }
  }

  async #build(changed: string): Promise<Index> {
    const info = below(this.#folder, "info");
    const owner = await this.#ownedBy();
    const entries = changed === "absent" ? [] : await readdir(toBytes(info)).catch(() => []);
    const lists = entries.filter((name) => packageOfList(name) !== undefined).slice(0, mostPackages);
    const keys: number[] = [];
    for (const [number, list] of lists.entries()) {
      const read = await readSmall(below(info, list), longestList, owner);
      if ("unread" in read) continue;
      eachLine(read.bytes, (begin, end) => keys.push(hashOf(read.bytes, begin, end) * perHash + number));
    }
    const status = await readSmall(below(this.#folder, "status"), longestStatus, owner);
    return {
      lists,
      keys: Float64Array.from(keys).toSorted(),
      versions: "unread" in status ? new Map() : parseStatus(status.bytes),
      changed,
    };
  }

  async #lists(list: string, path: Buffer): Promise<boolean> {
    const read = await readSmall(below(below(this.#folder, "info"), list), longestList);
    if ("unread" in read) return false;
    let found = false;
    eachLine(read.bytes, (begin, end) => (found ||= read.bytes.subarray(begin, end).equals(path)));
    return found;
  }
}

/** A merged /usr (systemd's file-hierarchy(7)) has /bin/true as /usr/bin/true; lists may have either. */
function spellings(path: RawPath): readonly string[] {
  return /^\/usr\/(?:s?bin|lib(?:32|64|x32)?)\//.test(path) ? [path, path.slice("/usr".length)] : [path];
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
