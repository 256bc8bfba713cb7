import { quantile, type Ratio, type Row } from "../table.ts";
import { nothing, peer } from "./conditions.ts";
import { medianOf, shuffled, xorshift } from "./stats.ts";

/** The executions of each round, by the condition's name; microseconds, where nothing else is said. */
export type Rounds = ReadonlyMap<string, readonly Float64Array[]>;

/** Every condition once a round, in an order that changes, so that whatever else the machine does falls on all alike. */
export async function paired<C extends { readonly name: string }>(
  conditions: readonly C[],
  rounds: number,
  work: (condition: C) => Promise<Float64Array>,
): Promise<Rounds> {
  const random = xorshift(rounds);
  const all = new Map(conditions.map(({ name }) => [name, new Array<Float64Array>()]));
  for (let i = 0; i < rounds; i += 1)
    for (const condition of shuffled(conditions, random)) all.get(condition.name)?.push(await work(condition));
  return all;
}

/** The median of the rounds' ratios of medians; undefined where one of the two was not there. */
function ratioOf(rounds: Rounds, of: string, to: string): Ratio | undefined {
  const [ours, theirs] = [rounds.get(of), rounds.get(to)];
  if (ours === undefined || theirs === undefined || of === to) return undefined;
  return medianOf(ours.map((times, i) => quantile(times, 0.5) / quantile(theirs[i] ?? new Float64Array(), 0.5)));
}

/** p50 and, where there are enough executions for one, p99 of each condition; its ratios to nothing watching and to the peer. */
export function rowsOf(what: string, rounds: Rounds, unit = "µs"): readonly Row[] {
  return [...rounds].flatMap(([name, list]): readonly Row[] => {
    const all = Float64Array.from(list.flatMap((times) => [...times]));
    const each = all.length / list.length;
    const ratio = ratioOf(rounds, name, nothing);
    const toPeer = ratioOf(rounds, name, peer);
    const p50 = { value: quantile(all, 0.5), ...(ratio && { ratio }), ...(toPeer && { toPeer }) };
    const rows = [{ name: `${what}: ${name}, ${each > 1 ? "p50" : `median of ${list.length}`}`, unit, ...p50 }];
    return all.length < 1000 ? rows : [...rows, { name: `${what}: ${name}, p99`, unit, value: quantile(all, 0.99) }];
  });
}

/** What was promised of the ratio of two conditions. Nothing where one of them is not there. */
export function promised(name: string, rounds: Rounds, of: string, to: string, most: number): readonly Row[] {
  const ratio = ratioOf(rounds, of, to);
  return ratio === undefined ? [] : [{ name, value: ratio.median, unit: "×", ratio, bound: most }];
}
