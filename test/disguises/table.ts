import type { Result } from "./cell.ts";

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
      return `killed before its first line, ${milliseconds(result.after)} after its start`;
    case "not applicable":
      return "–";
    default:
      return result satisfies never;
  }
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}
