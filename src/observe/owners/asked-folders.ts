import { aliasesIn, installedFrom } from "#observe/owners/aliases.ts";
import { mayBe, npmPlace } from "#observe/owners/npm.ts";
import { below, type RawPath } from "#observe/raw-path.ts";
import type { Aliases } from "#observe/readers/aliases.ts";

/** Package folders whose manifest could name an id that is asked for: of all others nothing is opened. */
export class AskedFolders {
  readonly #asked: (id: string) => boolean;
  /** The place that was asked about last, and what has another name there. */
  #place = "";
  #aliases: Aliases | undefined;

  constructor(asked: (id: string) => boolean) {
    this.#asked = asked;
  }

  /** By its name, or by what a package manager's record says of it. Those of one place best come one after the other. */
  async has(folder: RawPath): Promise<boolean> {
    if (mayBe(folder, this.#asked)) return true;
    if (this.#place === "" || !folder.startsWith(this.#place)) {
      const from = installedFrom(folder);
      this.#place = from === undefined ? "" : `${from}/node_modules/`;
      this.#aliases = from && (await aliasesIn(from, undefined));
    }
    if (this.#aliases === undefined || this.#aliases.size === 0) return false;
    const id = npmPlace(below(folder, "package.json"))?.id ?? "";
    return this.#aliases.get(id)?.some(this.#asked) === true;
  }
}
