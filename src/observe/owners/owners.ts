import { Footing } from "#observe/footing.ts";
import { Lru } from "#observe/lru.ts";
import type { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { npmOwner } from "#observe/owners/npm.ts";
import { pythonOwner } from "#observe/owners/python.ts";
import { extensionOwner } from "#observe/owners/vscode.ts";
import type { RawPath } from "#observe/raw-path.ts";
import type { Stamp } from "#observe/read-file.ts";
import { reading } from "#observe/seen.ts";
import type { Wanted } from "#policy/compile.ts";
import type { ExtensionSeen, PackageSeen, Reading } from "#policy/evidence.ts";

/** Whose a file is, as what lies beside it says. */
export interface Owned {
  readonly package: Reading<PackageSeen>;
  readonly extension: Reading<ExtensionSeen>;
  /** What says so: while it holds, nobody needs to ask again. */
  readonly footing: Footing;
}

/** Files whose owners are remembered. About a kilobyte each. */
const remembered = 2_000;
const unasked = { unread: "no identity asks for it" };

type Look = (path: RawPath, stamp: Stamp, footing: Footing) => Promise<PackageSeen | undefined>;

/** Finds whose files are, as far as any identity asks; what was found stays known as long as what it rests on is unchanged. */
export class Owners {
  readonly #looks: readonly Look[];
  readonly #everyKind: boolean;
  readonly #extensions: boolean;
  readonly #known = new Lru<string, Owned>(remembered);
  readonly #running = new Map<string, Promise<Owned>>();

  constructor({ ecosystems, extensions }: Wanted, dpkg: DpkgDatabase) {
    const all: readonly (readonly [ecosystem: string, look: Look])[] = [
      ["npm", npmOwner],
      ["pypi", pythonOwner],
      ["deb", (path, _stamp, footing) => dpkg.owner(path, footing)],
    ];
    const wanted = all.filter(([ecosystem]) => ecosystems.has(ecosystem));
    this.#looks = wanted.map(([, look]) => look);
    this.#everyKind = wanted.length === all.length;
    this.#extensions = extensions;
  }

  async of(path: RawPath, stamp: Stamp): Promise<Owned> {
    const key = `${stamp.owner} ${path}`; // all that an attribution takes of the file itself
    const known = this.#known.get(key);
    if (known?.footing.holds() === true) return known;
    const running = this.#running.get(key) ?? this.#ask(path, stamp);
    this.#running.set(key, running);
    try {
      const owned = await running;
      this.#known.set(key, owned);
      return owned;
    } finally {
      this.#running.delete(key);
    }
  }

  async #ask(path: RawPath, stamp: Stamp): Promise<Owned> {
    const footing = new Footing();
    const packages: PackageSeen[] = [];
    for (const look of this.#looks) {
      const owner = await look(path, stamp, footing);
      if (owner !== undefined) packages.push(owner);
    }
    const asked = packages.length > 0 || this.#everyKind;
    return {
      package: asked ? reading(packages) : unasked,
      extension: this.#extensions ? reading([await extensionOwner(path, stamp, footing)]) : unasked,
      footing,
    };
  }
}
