import { smallNow } from "#observe/files.ts";
import { Lru } from "#observe/lru.ts";
import { installedFrom, longestRecord } from "#observe/owners/aliases.ts";
import { idOf, mayBe } from "#observe/owners/npm.ts";
import { below, type RawPath } from "#observe/raw-path.ts";
import { aliasesOf, aliasRecords, type Aliases } from "#observe/readers/aliases.ts";

/**
 * Package folders whose manifest could name an id that is asked for: of all others nothing is opened. Records are read at once: for a
 * command, that nobody waits beside.
 */
export class AskedFolders {
  readonly #asked: (id: string) => boolean;
  /** The place that was asked about last, and what has another name there: packages come together. */
  #last = "";
  #there: Aliases | undefined;
  /** Folder that was installed from → what has another name there. */
  readonly #known = new Lru<RawPath, Aliases>(256);

  constructor(asked: (id: string) => boolean) {
    this.#asked = asked;
  }

  /** By its name, or by what a package manager's record says of it, whoever wrote that: the manifest will be held against its owner's. */
  has(folder: RawPath): boolean {
    if (mayBe(folder, this.#asked)) return true;
    if (this.#last === "" || !folder.startsWith(this.#last)) {
      const from = installedFrom(folder);
      this.#last = from === undefined ? "" : `${from}/node_modules/`;
      this.#there = from && this.#aliases(from);
    }
    if (this.#there === undefined || this.#there.size === 0) return false;
    return this.#there.get(idOf(folder))?.some(this.#asked) === true;
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
