import type { Row } from "../table.ts";
import { bansOf, floors, ours, oursWith, type Condition } from "./conditions.ts";
import { paired, promised, rowsOf, type Rounds } from "./paired.ts";
import type { size as sizes } from "./place.ts";

type Size = keyof typeof sizes;

/**
 * Each execution of a file that has just been written, and that no one has executed before; the writing is not timed. What
 * it holds is in the page cache, as after an installation.
 */
async function firsts(conditions: readonly Condition[], size: Size, rounds: number, each: number): Promise<Rounds> {
  const run = async ({ place }: Condition): Promise<Float64Array> => {
    const times: number[] = [];
    for (let i = 0; i < each; i += 1) {
      const path = place.own(size);
      await place.time(place.system, 3); // what the copy has driven from the processor's caches comes back
      times.push(...(await place.time(path, 1)));
      place.remove(path);
    }
    return Float64Array.from(times);
  };
  await paired(conditions, 2, run);
  return paired(conditions, rounds, run);
}

/** Programs that nobody has seen. */
export async function first(conditions: readonly Condition[]): Promise<readonly Row[]> {
  const small = await firsts(conditions, "small", 50, 20);
  const big = await firsts(conditions, "big", 20, 1);
  const what = "never seen, 100 KB";
  return [
    ...rowsOf(what, small),
    ...promised(`${what}: ${ours} to the floor in C`, small, ours, floors.c, 1.5),
    ...promised(`${what}: ${ours} to the floor in TypeScript`, small, ours, floors.ts, 1.5),
    ...rowsOf("never seen, 250 MB", big),
  ];
}

/** The same gate among few bans and among as many as a policy may have. */
export async function bans(conditions: readonly Condition[]): Promise<readonly Row[]> {
  const own = new Map(conditions.map(({ name, place }) => [name, place.own("small")]));
  const again = ({ name, place }: Condition): Promise<Float64Array> => place.time(own.get(name) ?? "", 40);
  await paired(conditions, 5, again);
  const seen = await paired(conditions, 40, again);
  const small = await firsts(conditions, "small", 40, 20);
  const big = await firsts(conditions, "big", 10, 1);
  const [fewest, ...more] = bansOf.map(oursWith);
  const flat = (what: string, rounds: Rounds): readonly Row[] =>
    more.flatMap((name) => promised(`${what}: ${name}, to ${fewest}`, rounds, name, fewest ?? "", 1.2));
  return [
    ...rowsOf("bans: a person's own, seen", seen),
    ...flat("bans: a person's own, seen", seen),
    ...rowsOf("bans: never seen, 100 KB", small),
    ...flat("bans: never seen, 100 KB", small),
    ...rowsOf("bans: never seen, 250 MB", big),
    ...flat("bans: never seen, 250 MB", big),
  ];
}
