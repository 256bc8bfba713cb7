import type { Row } from "../table.ts";
import type { Condition } from "./conditions.ts";
import type { size as sizes } from "./place.ts";
import { paired, rowsOf, type Rounds } from "./paired.ts";

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
  const big = await firsts(conditions, "big", 10, 1);
  return [...rowsOf("never seen, 100 KB", small), ...rowsOf("never seen, 250 MB", big)];
}
