import type { Result } from "./cell.ts";
import { disguises } from "./disguises.ts";
import type { Enforcer } from "./enforcer.ts";
import { explain, explanations, type Explanation } from "./explain.ts";
import type { Cell } from "./matrix.ts";
import type { Tool } from "./tool.ts";

/** A result in a cell of the table. */
export function inCell(result: Result): string {
  switch (result.is) {
    case "denied":
    case "missed":
    case "broken":
      return result.is;
    case "killed":
      return `killed after ${milliseconds(result.after)}`;
    case "killed early":
      return `killed before its first line (${milliseconds(result.after)})`;
    case "not applicable":
      return "–";
    default:
      return result satisfies never;
  }
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

/** What one enforcer made of every disguise. */
export interface Column {
  readonly enforcer: Enforcer["name"];
  /** For people, with its version. */
  readonly title: string;
  readonly cells: readonly Cell[];
}

/** Cells that somebody must look at: the disguise or the matrix is broken, or a program ran and nobody has said why. */
export function faultsIn({ enforcer, cells }: Column): readonly string[] {
  return cells.flatMap(({ disguise, tool, result }) => {
    const where = `${enforcer}: ${disguise.id}, ${tool.kind}`;
    if (result.is === "broken") return [`${where}: ${result.why}`];
    if (result.is === "denied" || result.is === "not applicable") return [];
    return explain(enforcer, disguise.id, tool.kind, result.is) === undefined
      ? [`${where}: ${result.is}, and no explanation`]
      : [];
  });
}

/** The page: both tables, and below each why what was not denied was not. */
export function page(about: readonly string[], tools: readonly Tool[], columns: readonly Column[]): string {
  return `${[
    "# Disguises",
    ...about,
    ...columns.flatMap((column) => [`## ${column.title}`, tableOf(tools, column), ...sentencesOf(column)]),
    "## Not applicable",
    notApplicable(columns),
  ].join("\n\n")}\n`;
}

function tableOf(tools: readonly Tool[], { cells }: Column): string {
  const rows = disguises.map((disguise) => [
    disguise.title.replaceAll("|", String.raw`\|`),
    ...tools.map((tool) => {
      const cell = cells.find((one) => one.disguise.id === disguise.id && one.tool.kind === tool.kind);
      return cell === undefined ? "–" : inCell(cell.result);
    }),
  ]);
  const head = ["disguise", ...tools.map(({ title }) => title)];
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** One item for each explanation that something in the column needs. */
function sentencesOf({ enforcer, cells }: Column): readonly string[] {
  const found = new Map<Explanation, Set<string>>();
  for (const { disguise, tool, result } of cells) {
    const one = explain(enforcer, disguise.id, tool.kind, result.is);
    if (one !== undefined) found.set(one, (found.get(one) ?? new Set()).add(disguise.title));
  }
  const used = explanations.filter((one) => found.has(one));
  if (used.length === 0) return [];
  const items = used.map((one) => `- **${[...(found.get(one) ?? [])].join("; ")}**: ${one.text}`);
  return ["What was not denied before it ran, and why:", items.join("\n")];
}

function notApplicable(columns: readonly Column[]): string {
  const why = new Map<string, Set<string>>();
  for (const { disguise, tool, result } of columns.flatMap(({ cells }) => cells)) {
    if (result.is !== "not applicable") continue;
    const key = `${disguise.title}: ${result.why}`;
    why.set(key, (why.get(key) ?? new Set()).add(tool.title));
  }
  return [...why].map(([key, titles]) => `- ${key} (${[...titles].join(", ")})`).join("\n");
}
