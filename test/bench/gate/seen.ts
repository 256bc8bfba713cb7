import type { Row } from "../table.ts";
import { nothing, ours, type Condition } from "./conditions.ts";
import { paired, promised, rowsOf } from "./paired.ts";

const [rounds, executions] = [60, 40];

const system = ({ place }: Condition): Promise<Float64Array> => place.time(place.system, executions);

/** Programs that were seen before: one of the system, and one of the person's own. */
export async function seen(conditions: readonly Condition[]): Promise<readonly Row[]> {
  const own = new Map(conditions.map(({ name, place }) => [name, place.own("small")]));
  const theirs = ({ name, place }: Condition): Promise<Float64Array> => place.time(own.get(name) ?? "", executions);
  await paired(conditions, 5, system);
  const ofSystem = await paired(conditions, rounds, system);
  await paired(conditions, 5, theirs);
  const ofPerson = await paired(conditions, rounds, theirs);
  return [
    ...rowsOf("a system program, seen", ofSystem),
    ...promised(`a system program, seen: ${ours}`, ofSystem, ours, nothing, 1.03),
    ...rowsOf("a person's own, seen", ofPerson),
  ];
}
