import type { Row } from "../table.ts";
import { nothing } from "./conditions.ts";
import { paired, promised, rowsOf, type Rounds } from "./paired.ts";
import { Driver } from "./driver.ts";
import { person } from "./place.ts";
import type { Watcher } from "./watchers.ts";
import { parts, type Workshop } from "./workshop.ts";

/** Who is asked about the programs of the workshop and of the place, and is started anew each round. */
export interface Guest {
  readonly name: string;
  /** Undefined: nobody is asked. */
  readonly start: () => Promise<Watcher | undefined>;
}

const executions = 200;
const kinds = ["system", "own", "install", "compile"] as const;

/**
 * With each guest in turn, and without, in the same folders, for a build is not a matter of milliseconds: the executions of
 * programs that were seen, `npm ci`, and a part of a large compilation. Each begins with a part that is not measured: who is asked
 * has been running for a while, on people's machines.
 * @param whole the guest that was promised to cost nothing
 */
export async function builds(
  workshop: Workshop,
  driver: string,
  guests: readonly Guest[],
  whole: string,
): Promise<readonly Row[]> {
  await workshop.prepare();
  await workshop.install([]);
  const [system, own] = ["/usr/bin/true", workshop.own("/usr/bin/true")];
  const measured = new Map<(typeof kinds)[number], Map<string, Float64Array[]>>(
    kinds.map((kind) => [kind, new Map(guests.map(({ name }) => [name, []]))]),
  );
  let turn = 0;
  await paired(guests, parts, async ({ name, start }) => {
    const part = Math.floor(turn++ / guests.length);
    const watcher = await start();
    const inside = watcher?.inside ?? [];
    const put = (kind: (typeof kinds)[number], times: Float64Array): void =>
      void measured.get(kind)?.get(name)?.push(times);
    const starts = new Driver(driver, inside);
    const time = (program: string, count: number): Promise<Float64Array> => starts.time("/", program, person, count);
    try {
      await workshop.warm(inside);
      await workshop.compile(inside, (part + 1) % parts);
      for (const program of [system, own]) await time(program, executions);
      put("system", await time(system, executions));
      put("own", await time(own, executions));
      put("install", Float64Array.of(await workshop.install(inside)));
      put("compile", Float64Array.of(await workshop.compile(inside, part)));
    } finally {
      starts.close();
      await watcher?.stop();
    }
    return new Float64Array();
  });
  const of = (kind: (typeof kinds)[number]): Rounds => measured.get(kind) ?? new Map();
  return [
    ...rowsOf("anew each round, a system program, seen", of("system")),
    ...promised("anew each round, a system program, seen: the whole agent", of("system"), whole, nothing, 1.03),
    ...rowsOf("anew each round, a person's own, seen", of("own")),
    ...rowsOf("npm ci", of("install"), "s"),
    ...promised("npm ci: the whole agent", of("install"), whole, nothing, 1.03),
    ...rowsOf(`a part of 2,000 C files`, of("compile"), "s"),
    ...promised("2,000 C files: the whole agent", of("compile"), whole, nothing, 1.03),
  ];
}
