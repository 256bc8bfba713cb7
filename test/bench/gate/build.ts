import type { Row } from "../table.ts";
import { shuffled, xorshift } from "./stats.ts";
import { rowsOf } from "./paired.ts";
import type { Watcher } from "./watchers.ts";
import { parts, type Workshop } from "./workshop.ts";

/** Starts whoever is asked about the programs of a build; undefined where nobody is. */
export type Start = () => Promise<Watcher | undefined>;

/** Builds with each watcher in turn, and without: in the same folder, for a build is not a matter of milliseconds. */
export async function builds(workshop: Workshop, starts: ReadonlyMap<string, Start>): Promise<readonly Row[]> {
  const random = xorshift(parts);
  const empty = (): Map<string, Float64Array[]> => new Map([...starts.keys()].map((name) => [name, []]));
  const [install, compile] = [empty(), empty()];
  await workshop.prepare();
  await workshop.install([]);
  for (let i = 0; i < parts; i += 1)
    for (const [name, start] of shuffled([...starts], random)) {
      const watcher = await start();
      try {
        const inside = watcher?.inside ?? [];
        await workshop.warm(inside);
        install.get(name)?.push(Float64Array.of(await workshop.install(inside)));
        compile.get(name)?.push(Float64Array.of(await workshop.compile(inside, i)));
      } finally {
        await watcher?.stop();
      }
    }
  return [...rowsOf("npm ci", install, "s"), ...rowsOf("200 of 2,000 C files", compile, "s")];
}
