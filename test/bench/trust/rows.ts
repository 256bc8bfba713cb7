import { medianOf } from "../gate/stats.ts";
import { quantile, type Row } from "../table.ts";

/** By the name of who looked: its times in each round, in milliseconds. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** A row each; the ratio is to the peer, of the same rounds. */
export function rowsOf(what: string, rounds: Rounds, peer: string): readonly Row[] {
  const theirs = rounds.get(peer) ?? [];
  return [...rounds].map(([name, times]): Row => {
    const paired = times.flatMap((time, i) => (theirs[i] === undefined ? [] : [time / theirs[i]]));
    const ratio = name === peer || paired.length < 3 ? undefined : medianOf(paired);
    const value = quantile(Float64Array.from(times), 0.5);
    return { name: `${what}: ${name}, median of ${times.length}`, value, unit: "ms", ...(ratio && { ratio }) };
  });
}

/** Median and 99th percentile of milliseconds that were promised to stay below a bound. */
export function bounded(what: string, times: readonly number[], bound: number): readonly Row[] {
  const all = Float64Array.from(times);
  return [
    { name: `${what}, p50 of ${times.length}`, value: quantile(all, 0.5), unit: "ms", bound },
    { name: `${what}, p99`, value: quantile(all, 0.99), unit: "ms", bound },
  ];
}
