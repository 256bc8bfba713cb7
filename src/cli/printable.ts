import { clean, unfit } from "#lib/pure/text.ts";

/** Columns that a value may take: a path has 4,096 bytes at most (PATH_MAX), a reason as many. */
const widest = 4_096;

/** Text that a stranger may have written (names of files, reasons), as one line that steers no terminal. */
export function printable(text: string): string {
  return clean(text, widest);
}

/** No text of ours comes near it. */
const unbounded = 2 ** 40;

/** A line of which nothing may be left out, however long it is: what somebody is about to sign. */
export function printableWhole(line: string): string {
  return indentOf(line) + clean(line, unbounded);
}

/** The same for whole lines, which keep the space they begin with. */
export function printableLine(line: string): string {
  return indentOf(line) + printable(line);
}

function indentOf(line: string): string {
  return /^ */.exec(line)?.[0] ?? "";
}

/** A value as one line of JSON in which a stranger's text steers no terminal: what `clean` would remove is escaped (RFC 8259, section 7). */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replaceAll(unfit, (text) => escapedUnits(text))}\n`;
}

/** Each UTF-16 unit as JSON may write it. */
export function escapedUnits(text: string): string {
  return Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
    "",
  );
}
