import { clean } from "#lib/pure/text.ts";

/** Columns that a value may take: a path has 4,096 bytes at most (PATH_MAX), a reason as many. */
const widest = 4_096;

/** Text that a stranger may have written (names of files, reasons), as one line that steers no terminal. */
export function printable(text: string): string {
  return clean(text, widest);
}

/** The same for whole lines, which keep the space they begin with. */
export function printableLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? "";
  return indent + printable(line);
}
