/** The middle of paired ratios and where it lies with 95 %: 1.02 (1.01–1.03). */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One line of a table: a figure, what it is held against, and the bound that was promised. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Printed as "1.23 ×" of this. */
  readonly against?: number;
  /** The same where rounds were paired: it is not the ratio of two figures of this table. */
  readonly ratio?: Ratio;
  /** To the peer, where the ratio is to something else; a column that only such tables have. */
  readonly toPeer?: Ratio;
  /** The most it may be, in the same unit. */
  readonly bound?: number;
}

/** A bench: run by `npm run bench NAME`; only prints, never writes. */
export interface Bench {
  readonly title: string;
  readonly peer?: string;
  run(): Promise<readonly Row[]>;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function interval({ median, low, high }: Ratio): string {
  return `${median.toFixed(2)} × (${low.toFixed(2)}–${high.toFixed(2)})`;
}

/** @param peer the name of what `toPeer` is held against */
export function tableOf(rows: readonly Row[], peer = "the peer"): string {
  const withPeer = rows.some(({ toPeer }) => toPeer !== undefined);
  const cells = rows.map(({ name, value, unit, against, ratio, toPeer, bound }) => [
    name,
    `${figure(value)} ${unit}`.trim(),
    ratio !== undefined ? interval(ratio) : against === undefined ? "" : `${(value / against).toFixed(2)} ×`,
    ...(withPeer ? [toPeer === undefined ? "" : interval(toPeer)] : []),
    bound === undefined ? "" : `≤ ${figure(bound)} ${unit}`,
    bound === undefined ? "" : value <= bound ? "kept" : "BROKEN",
  ]);
  const head = ["figure", "measured", "ratio", ...(withPeer ? [`to ${peer}`] : []), "promised", ""];
  const widths = head.map((h, i) => Math.max(h.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((c, i) => c.padEnd(widths[i] ?? 0)).join(" | ")} |\n`;
  return line(head) + line(widths.map((w) => "-".repeat(w))) + cells.map(line).join("");
}

/** The q-quantile of measured times, sorted or not. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
