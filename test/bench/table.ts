/** One line of a table: a figure, what it is held against, and the bound that was promised. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Printed as "1.23 ×" of this. */
  readonly against?: number;
  /** The most it may be, in the same unit. */
  readonly bound?: number;
}

/** A bench: run by `npm run bench NAME`; only prints, never writes. */
export interface Bench {
  readonly title: string;
  run(): Promise<readonly Row[]>;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ name, value, unit, against, bound }) => [
    name,
    `${figure(value)} ${unit}`,
    against === undefined ? "" : `${(value / against).toFixed(2)} ×`,
    bound === undefined ? "" : `≤ ${figure(bound)} ${unit}`,
    bound === undefined ? "" : value <= bound ? "kept" : "BROKEN",
  ]);
  const head = ["figure", "measured", "ratio", "promised", ""];
  const widths = head.map((h, i) => Math.max(h.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((c, i) => c.padEnd(widths[i] ?? 0)).join(" | ")} |\n`;
  return line(head) + line(widths.map((w) => "-".repeat(w))) + cells.map(line).join("");
}

/** The q-quantile of measured times, sorted or not. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
