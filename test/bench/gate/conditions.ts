import { loadCatalog } from "#cli/catalog.ts";
import { startEdict } from "./edict.ts";
import { many as register, shipped } from "./policy.ts";
import { join } from "node:path";
import { compileC } from "./driver.ts";
import { Place } from "./place.ts";
import { hasFapolicyd, startFapolicyd, startFloor, type Watcher } from "./watchers.ts";

/** A place and whoever watches it. */
export interface Condition {
  readonly name: string;
  readonly place: Place;
  readonly watcher: Watcher | undefined;
}

/** Those that others are held against. */
export const nothing = "nothing watching";
export const peer = "fapolicyd";
export const ours = "Edict";
export const floors = { c: "allows without looking, in C", ts: "allows without looking, in TypeScript" } as const;
export const bansOf = [10, 1_000, 100_000] as const;
export function oursWith(bans: (typeof bansOf)[number]): string {
  return `Edict, ${bans.toLocaleString("en")} bans`;
}

export interface Conditions {
  readonly all: readonly Condition[];
  /** The same gate with ever more bans, and nobody. */
  readonly many: readonly Condition[];
  stop(): Promise<void>;
}

type Start = (place: Place) => Promise<Watcher | undefined>;

/** Everything at once, each in its own place. @param folder of a mount namespace of our own */
export async function startConditions(folder: string, driver: string): Promise<Conditions> {
  const floor = compileC("floor", folder);
  const starts: Record<string, Start> = {
    [nothing]: () => Promise.resolve(undefined),
    "nothing watching, once more": () => Promise.resolve(undefined),
    [floors.c]: (place) => startFloor([floor], [place.root]),
  };
  const floorTs = [process.execPath, join(import.meta.dirname, "floor.ts")];
  starts[floors.ts] = (place) => startFloor(floorTs, [place.root]);
  const catalog = await loadCatalog();
  starts[ours] = (place) => startEdict(shipped(catalog), place.root);
  for (const bans of bansOf) starts[oursWith(bans)] = (place) => startEdict(register(bans), place.root);
  if (hasFapolicyd()) starts[peer] = (place) => startFapolicyd(folder, place.pathOf(place.banned));
  else console.error("fapolicyd is not installed: its lines are left out");
  // Mount namespaces are copies: every place is there before the first of them is made.
  const places = Object.keys(starts).map((name, i): readonly [string, Place] => [
    name,
    new Place(folder, `place-${i}`),
  ]);
  const all: Condition[] = [];
  const stop = async (): Promise<void> => {
    for (const { place, watcher } of all) {
      place.close();
      await watcher?.stop();
    }
  };
  try {
    for (const [name, place] of places) {
      const watcher = await starts[name]?.(place);
      all.push({ name, place, watcher });
      place.open(driver, watcher?.inside);
    }
    const many = new Set<string>([nothing, ...bansOf.map(oursWith)]);
    const amongMany = all.filter(({ name }) => many.has(name));
    return { all: all.filter((c) => c.name === nothing || !amongMany.includes(c)), many: amongMany, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
