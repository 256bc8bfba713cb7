import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";

/** A row of a table of verbs, such as src/cli/verbs.ts. */
interface Verb {
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

export interface Page {
  readonly program: string;
  /** For @COMMANDS@, where the page has it. */
  readonly verbs: readonly Verb[];
  readonly version: string;
  /** Seconds since 1970: the page's date. */
  readonly epoch: number;
}

/** Fills the hand-written page `<folder>/<program>.<section>.in` with what the program says of itself. See man(7). */
export async function manPage(folder: string, section: number, page: Page): Promise<string> {
  const date = new Date(page.epoch * 1000).toISOString().slice(0, 10);
  const commands = await Promise.all(page.verbs.map((verb) => entry(page.program, verb)));
  const codes = Object.values(exitCodes).map(([code, meaning]) => `.TP\n.B ${code}\n${text(meaning)}\n`);
  const title = `.TH ${page.program.toUpperCase()} ${section} ${date} "Edict ${page.version}" "Edict manual"\n`;
  return readFileSync(join(folder, `${page.program}.${section}.in`), "utf8")
    .replace("@TITLE@\n", () => title)
    .replace("@COMMANDS@\n", () => commands.join(""))
    .replace("@EXIT-CODES@\n", () => codes.join(""));
}

async function entry(program: string, verb: Verb): Promise<string> {
  const { command } = await verb.load();
  const words = [program, verb.name, ...(command.arguments ?? [])].map((word) => text(word)).join(" ");
  const options = (command.options ?? []).map(([flags, what]) => `.TP\n.B ${text(flags)}\n${text(what)}\n`);
  const nested = options.length > 0 ? `.RS\n${options.join("")}.RE\n` : "";
  return `.TP\n.B ${words}\n${text(verb.summary)}\n${nested}`;
}

/** Backslashes, hyphens that are typed as such, and lines that would be taken for requests. */
function text(plain: string): string {
  const escaped = plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
