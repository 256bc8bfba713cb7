/** Words that name no tool: packages of every kind have them. */
const everybodys = new Set(
  "agent app bin cli client code com core desktop dev dist exe http https index io js json latest lib linux main node npm org package server tool tools web www".split(
    " ",
  ),
);
/** Endings that firms put behind their word: of augmentcode, augment is as telling. */
const firms = /(?:code|ai|app|labs|hq|dev)$/;
/** Shorter words stand in others, as amp does in example. */
const shortest = 5;

/** The words by which a tool's own strings are told from those of its libraries: of "@openai/codex" they are openai and codex. */
export function wordsOf(names: readonly string[]): readonly string[] {
  const words = names.flatMap((name) => name.toLowerCase().split(/[^a-z0-9]+/));
  const bare = words.map((word) => word.replace(firms, "")).filter((word) => word.length >= shortest);
  return [...new Set([...words, ...bare].filter((word) => word.length >= 3 && !everybodys.has(word)))];
}

/** Whether a text has one of the words; a short one only where it begins. */
export function says(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return words.some((word) => {
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1))
      if (word.length >= shortest || at === 0 || !/[a-z0-9]/.test(lower.charAt(at - 1))) return true;
    return false;
  });
}

/** Forms of strings that somebody made up for one product, the best first. */
const forms: readonly RegExp[] = [
  /\b(?:com|org|net|io|ai|dev|app|co)(?:\.[a-z][a-z0-9-]{1,30}){2,3}\b/g, // com.example.tool
  /[A-Z][A-Z0-9]{1,20}(?:_[A-Z0-9]{1,20}){1,6}/g, // TOOL_SETTING
  /https:\/\/[a-z0-9.-]{4,60}(?:\/[\w.-]{1,40}){0,4}/g,
];

/** The strings in a piece of a native program that might mark it, by their form. */
export function namesIn(piece: string, words: readonly string[]): readonly (readonly [form: number, name: string])[] {
  if (!says(piece, words)) return [];
  return forms.flatMap((form, i) =>
    (piece.match(form) ?? [])
      .filter((name) => name.length >= 8 && says(name, words) && !name.includes("example."))
      .map((name) => [i, name] as const),
  );
}

/** What a script asks its surroundings is its own; an address in it may be anybody's. */
const code: readonly RegExp[] = [/\bprocess\.env\b/, /\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b/, /^(?!.*https?:)/];

/** How likely a statement of a script is its mark, 0 the likeliest; undefined for a sentence, a comment or an import. */
export function codeForm(statement: string, words: readonly string[]): number | undefined {
  if (!says(statement, words) || !/[^\w.@/-].*[^\w.@/-]/.test(statement) || !/[=(]/.test(statement)) return undefined;
  if (/^(?:\/\/|\/\*|\*|#|import\b|export\b)|\brequire\(|node_modules\//.test(statement)) return undefined;
  const at = code.findIndex((one) => one.test(statement));
  return at < 0 ? code.length : at;
}

/** A string that might mark a program, how often it stands there, and its form: the smaller, the likelier. */
export interface Candidate {
  readonly text: string;
  readonly count: number;
  readonly form: number;
}

/** The best of each form in turn, so that one form does not crowd out the others; of a form the more frequent, then the shorter. */
export function ranked(candidates: readonly Candidate[], most: number): readonly Candidate[] {
  const sorted = candidates.toSorted(
    (a, b) => b.count - a.count || a.text.length - b.text.length || (a.text < b.text ? -1 : 1),
  );
  const byForm = [...Map.groupBy(sorted, ({ form }) => form)].toSorted(([a], [b]) => a - b).map(([, list]) => list);
  const turns = Array.from({ length: most }, (_, turn) => byForm.flatMap((list) => list[turn] ?? []));
  return turns.flat().slice(0, most);
}
