import { join } from "node:path";
import { loadCatalog } from "#cli/catalog.ts";
import { compileC } from "./driver.ts";
import { startEdict } from "./edict.ts";
import { Place } from "./place.ts";
import { many, shipped } from "./policy.ts";
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
  readonly stop: () => Promise<void>;
}

type Start = (place: Place) => Promise<Watcher | undefined>;

function nobody(): Promise<undefined> {
  return Promise.resolve(undefined);
}

async function startsOf(folder: string): Promise<ReadonlyMap<string, Start>> {
  const catalog = await loadCatalog();
  const [inC, inTypeScript] = [[compileC("floor", folder)], [process.execPath, join(import.meta.dirname, "floor.ts")]];
  const gates = bansOf.map((bans): [string, Start] => [oursWith(bans), ({ root }) => startEdict(many(bans), root)]);
  if (!hasFapolicyd()) console.error("fapolicyd is not installed: its lines are left out");
  return new Map<string, Start>([
    [nothing, nobody],
    ["nothing watching, once more", nobody],
    [floors.c, ({ root }) => startFloor(inC, [root])],
    [floors.ts, ({ root }) => startFloor(inTypeScript, [root])],
    [ours, ({ root }) => startEdict(shipped(catalog), root)],
    ...gates,
    ...(hasFapolicyd() ? [fapolicyd(folder)] : []),
  ]);
}

function fapolicyd(folder: string): [string, Start] {
  return [peer, (place) => startFapolicyd(folder, place.pathOf(place.banned))];
}

/** Everything at once, each in its own place. @param folder of a mount namespace of our own */
export async function startConditions(folder: string, driver: string): Promise<Conditions> {
  const starts = await startsOf(folder);
  // Mount namespaces are copies: every place is there before the first of them is made.
  const places = [...starts].map(([name, start], i) => ({ name, start, place: new Place(folder, `place-${i}`) }));
  const started: Condition[] = [];
  const stop = async (): Promise<void> => {
    for (const { place, watcher } of started) {
      place.close();
      await watcher?.stop();
    }
  };
  try {
    for (const { name, start, place } of places) {
      const watcher = await start(place);
      started.push({ name, place, watcher });
      place.open(driver, watcher?.inside);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const names = new Set(bansOf.map(oursWith));
  return {
    all: started.filter(({ name }) => !names.has(name)),
    many: started.filter(({ name }) => name === nothing || names.has(name)),
    stop,
  };
}
