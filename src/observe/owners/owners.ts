import { Footing } from "#observe/footing.ts";
import { Lru } from "#observe/lru.ts";
import { cargoOwner } from "#observe/owners/cargo.ts";
import { npmOwner } from "#observe/owners/npm.ts";
import type { PackageDatabase } from "#observe/owners/package-database.ts";
import { pythonOwner } from "#observe/owners/python.ts";
import { readUnit } from "#observe/owners/units.ts";
import { places, unitOf, type Place } from "#observe/places.ts";
import type { RawPath } from "#observe/raw-path.ts";
import type { Stamp } from "#observe/read-file.ts";
import { reading, type Says } from "#observe/seen.ts";
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

type Look = (path: RawPath, stamp: Stamp, footing: Footing) => Promise<readonly (Says | undefined)[]>;

const packageOf =
  (look: (path: RawPath, stamp: Stamp, footing: Footing) => Promise<PackageSeen | undefined>): Look =>
  async (path, stamp, footing) => {
    const found = await look(path, stamp, footing);
    return [found && { package: found }];
  };

const installedBy =
  (database: PackageDatabase): Look =>
  async (path, _stamp, footing) =>
    (await database.owner(path, footing)).map((found) => ({ package: found }));

const unitsAt =
  (place: Place): Look =>
  async (path, { owner }, footing) => {
    const unit = unitOf(place, path);
    return unit === undefined ? [] : [await readUnit(unit, owner, footing)];
  };

/** Finds whose files are, as far as any identity asks; what was found stays known as long as what it rests on is unchanged. */
export class Owners {
  readonly #looks: readonly Look[];
  readonly #packages: boolean;
  readonly #extensions: boolean;
  readonly #known = new Lru<string, Owned>(remembered);
  readonly #running = new Map<string, Promise<Owned>>();

  constructor(wanted: Wanted, databases: readonly PackageDatabase[]) {
    const ofEcosystems: readonly (readonly [ecosystems: readonly string[], look: Look])[] = [
      [["npm"], packageOf(npmOwner)],
      [["pypi"], packageOf(pythonOwner)],
      [["cargo"], packageOf(cargoOwner)],
      ...databases.map((database) => [database.ecosystems, installedBy(database)] as const),
    ];
    const isWanted = (ecosystem: string): boolean => wanted.ecosystems.has(ecosystem);
    this.#looks = [
      ...ofEcosystems.filter(([ecosystems]) => ecosystems.some(isWanted)).map(([, look]) => look),
      ...places.filter((place) => place.wanted(wanted)).map(unitsAt),
    ];
    this.#packages = wanted.ecosystems.size > 0;
    this.#extensions = wanted.extensions;
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
    const said: (Says | undefined)[] = [];
    for (const look of this.#looks) said.push(...(await look(path, stamp, footing)));
    return {
      package: this.#packages ? reading(said.map((says) => says?.package)) : unasked,
      extension: this.#extensions ? reading(said.map((says) => says?.extension)) : unasked,
      footing,
    };
  }
}
