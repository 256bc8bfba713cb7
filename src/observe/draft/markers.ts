import { codeForm, namesIn, ranked, says, type Candidate } from "#observe/draft/candidates.ts";
import { countPieces, type Cut } from "#observe/draft/pieces.ts";
import { readSections, type Section } from "#observe/readers/elf.ts";
import type { Reads } from "#observe/reads.ts";
import type { MarkerSighting } from "#policy/draft.ts";

/** Candidates that are looked for in the runtimes. */
const mostCandidates = 64;
/** Files past this are not drafted from; the largest AI tool measured has 381 MB. */
export const largestProgram = 2 ** 29;

const text = { encoding: "utf8", ends: "\"'`\\", most: 400 } as const satisfies Cut;
const statements = { encoding: "utf8", ends: ";{}", most: 100 } as const satisfies Cut;

/** One way of looking for strings that might mark a program. */
export type Attempt = () => Reads<readonly MarkerSighting[]>;

/** What is tried, one after the other until something is found: what the makers put into a native program, then code. */
export function* attempts(size: number, words: readonly string[]): Reads<readonly Attempt[]> {
  const sections = yield* readSections(size);
  const own = (name: string, cut: Cut): readonly Attempt[] =>
    sections.filter((section) => section.name === name).map((section) => () => names(section, cut, words));
  return [
    ...own(".bun", text),
    ...own(".bun", { ...text, encoding: "utf16le" }),
    ...own(".rodata", text),
    () => codeOf(size, words),
  ];
}

function* names(section: Section, cut: Cut, words: readonly string[]): Reads<readonly MarkerSighting[]> {
  const range = { offset: section.offset, length: section.size };
  const pieces = yield* countPieces(range, cut, (piece) => says(piece, words));
  const found = new Map<string, Candidate>();
  for (const [piece, count] of pieces)
    for (const [form, name] of namesIn(piece, words))
      found.set(name, { text: name, count: (found.get(name)?.count ?? 0) + count, form });
  const place = { encoding: cut.encoding, where: "elf-section", section: section.name } as const;
  return ranked([...found.values()], mostCandidates).map(({ text: bytes, count }) => ({ bytes, ...place, count }));
}

function* codeOf(size: number, words: readonly string[]): Reads<readonly MarkerSighting[]> {
  const whole = { offset: 0, length: size };
  const pieces = yield* countPieces(whole, statements, (piece) => codeForm(piece, words) !== undefined);
  const found = [...pieces].map(([piece, count]) => ({ text: piece, count, form: codeForm(piece, words) ?? Infinity }));
  const place = { encoding: "utf8", where: "anywhere" } as const;
  return ranked(found, mostCandidates).map(({ text: bytes, count }) => ({ bytes, ...place, count }));
}
