import { smallNow } from "#observe/files.ts";
import { Lru } from "#observe/lru.ts";
import { longestRecord, recordedIn } from "#observe/owners/aliases.ts";
import { globalPrefix } from "#observe/owners/global-links.ts";
import { idOf, mayBe } from "#observe/owners/npm.ts";
import { below, type RawPath } from "#observe/raw-path.ts";
import { aliasesOf, aliasRecords, type Aliases } from "#observe/readers/aliases.ts";
import { longestManifest, parsePackageJson } from "#observe/readers/package-json.ts";

/**
 * Package folders whose manifest could name an id that is asked for: of all others nothing is opened. Records are read at once: for a
 * command, that nobody waits beside.
 */
export class AskedFolders {
  readonly #asked: (id: string) => boolean;
  /** The place that was asked about last, and what has another name there: packages come together. */
  #last = "";
  #there: readonly Aliases[] = [];
  /** Folder that was installed from → what has another name there. */
  readonly #known = new Lru<RawPath, Aliases>(256);

  constructor(asked: (id: string) => boolean) {
    this.#asked = asked;
  }

  /** By its name, or by what a package manager's record says of it, whoever wrote that: the manifest will be held against its owner's. */
  has(folder: RawPath): boolean {
    if (mayBe(folder, this.#asked)) return true;
    if (this.#last === "" || !folder.startsWith(this.#last)) {
      const froms = recordedIn(folder);
      this.#last = froms[0] === undefined ? "" : `${froms[0]}/node_modules/`;
      this.#there = froms.map((from) => this.#aliases(from)).filter(({ size }) => size > 0);
    }
    if (this.#there.some((aliases) => aliases.get(idOf(folder))?.some(this.#asked) === true)) return true;
    return globalPrefix(folder) !== undefined && this.#isCalled(folder);
  }

  /** By its own manifest: of those few that are installed for everybody, npm writes no record. */
  #isCalled(folder: RawPath): boolean {
    const bytes = smallNow(below(folder, "package.json"), longestManifest);
    const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
    return manifest !== undefined && this.#asked(manifest.name);
  }

  #aliases(from: RawPath): Aliases {
    const before = this.#known.get(from);
    if (before !== undefined) return before;
    const said = aliasRecords.flatMap(({ file, pairs }) => {
      const bytes = smallNow(below(from, file), longestRecord);
      return bytes === undefined ? [] : [...pairs(bytes.toString("latin1"))];
    });
    const aliases = aliasesOf(said);
    this.#known.set(from, aliases);
    return aliases;
  }
}
