import { quantile, type Ratio } from "../table.ts";

/** Marsaglia, "Xorshift RNGs" (2003): the same order and the same resamples in every run. Gives 0 ≤ x < 1. */
export function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Fisher and Yates. */
export function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const left = [...list];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(Math.floor(random() * left.length), 1));
  return out;
}

/** The median, with the 95 % percentile interval of 5,000 bootstrap resamples (Efron and Tibshirani, 1993). */
export function medianOf(values: readonly number[]): Ratio {
  const random = xorshift(0x9e3779b9);
  const all = Float64Array.from(values);
  const resample = (): number =>
    quantile(
      all.map(() => all[Math.floor(random() * all.length)] ?? Number.NaN),
      0.5,
    );
  const medians = Float64Array.from({ length: 5_000 }, resample);
  return { median: quantile(all, 0.5), low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}
