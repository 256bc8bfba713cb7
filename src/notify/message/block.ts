import { pad, width, wrap } from "#lib/pure/text.ts";
import type { Facts } from "#notify/message/facts.ts";
import { commands, fill, headline } from "#notify/message/fill.ts";
import type { Sentences } from "#notify/message/sentences/sentences.ts";

/** Columns of a terminal that nobody has made wider. */
const columns = 80;
const indent = "   ";
/** A terminal's own buffer is 4 KiB (N_TTY_BUF_SIZE); each "\n" becomes two bytes on the way. */
const mostBytes = 3_900;
/** Lines of the administrator's words. */
const mostOfWhy = 6;
const rule = (title: string): string => `-- ${title} ${"-".repeat(columns - 4 - width(title))}`;

interface Row {
  readonly label: string;
  readonly lines: readonly string[];
}

/**
 * One block for a terminal: at most 80 columns, plain characters, no right edge, so that links and commands are copied as
 * they are. It begins and ends on a line of its own.
 */
export function block(facts: Facts, words: Sentences): string {
  const text = lay(facts, words);
  if (bytes(text) <= mostBytes) return text;
  return lay({ ...facts, why: words.noReason, owner: undefined, command: undefined }, words);
}

function lay(facts: Facts, words: Sentences): string {
  const rows = rowsOf(facts, words);
  const labels = Math.max(...rows.map(({ label }) => width(label))) + 3;
  const top = [headline(facts, words), fill(words.comfort[facts.situation], facts, words)];
  const lines = [
    "",
    rule("Edict"),
    "",
    ...top.flatMap((text) => wrap(text, columns - 2 * indent.length)).map((line) => indent + line),
    "",
    ...rows.flatMap(({ label, lines: content }) =>
      content
        .flatMap((text) => fold(text, columns - indent.length - labels))
        .map((line, i) => `${indent}${pad(i === 0 ? label : "", labels)}${line}`),
    ),
    "",
    "-".repeat(columns),
    "",
  ];
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Keeps the spaces that set a command apart. */
function fold(text: string, most: number): readonly string[] {
  const space = text.length - text.trimStart().length;
  const lead = " ".repeat(space);
  return wrap(text.trimStart(), most - space, mostOfWhy).map((line) => lead + line);
}

function rowsOf(facts: Facts, words: Sentences): readonly Row[] {
  const { label } = words;
  const rows: (Row | undefined)[] = [
    { label: label.why, lines: [facts.why] },
    instead(facts, words),
    row(label.get, facts.replacement === undefined ? undefined : facts.url),
    asking(facts, words),
    row(label.details, facts.ban === "" ? undefined : commands.why(facts)),
    row(label.questions, facts.owner),
    row(label.more, facts.reference),
  ];
  return rows.filter((r) => r !== undefined);
}

const row = (label: string, text: string | undefined): Row | undefined =>
  text === undefined ? undefined : { label, lines: [text] };

function instead(facts: Facts, words: Sentences): Row | undefined {
  const { label, use, useTyped } = words;
  if (facts.replacement === undefined) return undefined;
  if (facts.command === undefined) return row(label.instead, fill(use, facts, words));
  return { label: label.instead, lines: [fill(useTyped, facts, words), `    ${facts.command.to}`] };
}

function asking(facts: Facts, words: Sentences): Row | undefined {
  const { label } = words;
  if (facts.situation === "warned") return row(label.continue, commands.continue(facts, words));
  return facts.exceptions ? row(label.exception, commands.request(facts, words)) : undefined;
}

/** In UTF-8. */
function bytes(text: string): number {
  let sum = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    sum += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return sum;
}
