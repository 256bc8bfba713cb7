/** Text of strangers made fit for a person's eyes, and measured as a terminal measures it. */

/** What no terminal and no toast should get: controls, invisible characters, and whatever changes the direction of writing. */
export const unfit: RegExp = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** More than three marks on one letter climb over the lines above (UAX #15 has no rule; names need two). */
const pile = /(\p{M}{3})\p{M}+/gu;
const blank = /\s+/gu;

/**
 * One line of printable text: controls become spaces, invisible and direction-changing characters (Trojan Source,
 * CVE-2021-42574) vanish, white space is folded, and what is longer than `most` columns ends in "…".
 */
export function clean(text: string, most: number): string {
  // A character has at least one code unit a column, or is removed: no more than this can be needed.
  const some = text.length > most * 16 ? text.slice(0, most * 16) : text;
  const fit = some
    .replaceAll(unfit, (c) => (c === "\t" || c === "\n" || c === "\r" || c === "\u2028" || c === "\u2029" ? " " : ""))
    .replaceAll(pile, "$1")
    .replaceAll(blank, " ")
    .trim();
  return cut(fit, most);
}

/** At most `most` columns, the last of them "…" where something is missing. */
function cut(text: string, most: number): string {
  if (width(text) <= most) return text;
  let kept = "";
  let columns = 0;
  for (const letter of letters(text)) {
    columns += width(letter);
    if (columns > most - 1) break;
    kept += letter;
  }
  return `${kept.trimEnd()}…`;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a person takes for one character (UAX #29). */
function letters(text: string): readonly string[] {
  return Array.from(segmenter.segment(text), (s) => s.segment);
}

/** Wide and fullwidth ranges (UAX #11), as far as a terminal's font has them. */
const wide: readonly (readonly [from: number, to: number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18df2],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];
const narrow = /^[\u0020-\u007e]*$/u;
const emoji = /^\p{Emoji_Presentation}|\ufe0f/u;

/** Columns on a terminal. */
export function width(text: string): number {
  if (narrow.test(text)) return text.length;
  let columns = 0;
  for (const letter of letters(text)) {
    const code = letter.codePointAt(0) ?? 0;
    if (/^\p{M}/u.test(letter)) continue;
    columns += emoji.test(letter) || wide.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
  }
  return columns;
}

/** Filled with spaces up to `columns`. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** What may not begin a line in Chinese and Japanese (JIS X 4051, GB/T 15834). */
const closing = /^[、。，．：；！？）」』】》〉’”…％,.:;!?)\]}]/u;

/**
 * Lines of at most `columns`: broken at spaces, between Chinese and Japanese characters, and inside a word only where the
 * word alone is longer than a line. At most `most` lines; the last ends in "…" where something is missing.
 */
export function wrap(text: string, columns: number, most = 1000): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of pieces(text, columns)) {
    const fits = width(line + piece.trimEnd()) <= columns;
    if (fits) line += piece;
    else {
      lines.push(line.trimEnd());
      line = piece.trimStart();
    }
  }
  if (line.trim() !== "") lines.push(line.trimEnd());
  if (lines.length <= most) return lines;
  const last = lines[most - 1] ?? "";
  return [...lines.slice(0, most - 1), width(last) < columns ? `${last}…` : cut(`${last} `, columns)];
}

/** Text in parts between which a line may end; none is wider than a line. */
function pieces(text: string, columns: number): readonly string[] {
  const found: string[] = [];
  let word = "";
  const end = (): void => {
    if (word !== "") found.push(word);
    word = "";
  };
  for (const letter of letters(text)) {
    const cjk = width(letter) === 2;
    const before = found.at(-1);
    if (closing.test(letter) && word === "" && before !== undefined && width(before + letter) <= columns) {
      found[found.length - 1] = before + letter;
      continue;
    }
    if (cjk || width(word) + width(letter) > columns) end();
    word += letter;
    if (cjk || letter === " ") end();
  }
  end();
  return found;
}
