/** The folders of packages that are not called after them → what they are called: `npm install x@npm:tool`. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

const id = String.raw`(?:@[^"/@\s]{1,214}/)?[^"/@\s]{1,214}`;
const npmEntry = new RegExp(String.raw`node_modules/(?<alias>${id})": \{\s{1,40}"name": "(?<name>${id})"`, "g");
const yarn1Entry = new RegExp(String.raw`"(?<alias>${id})@npm:(?<name>${id})[@"]`, "g");
const yarn4Entry = new RegExp(
  String.raw`"(?<name>${id})@[^"\n]{1,400}":\n {2}locations:\n(?<places>(?: {4}- "[^"\n]{0,600}"\n){1,100})`,
  "g",
);
const yarn4Place = new RegExp(String.raw`node_modules/(?<alias>${id})"`, "g");
const bunEntry = new RegExp(String.raw`(?<=["/])(?<alias>${id})": \["(?<name>${id})@`, "g");

type Pair = readonly [alias: string | undefined, name: string | undefined];

const pairs =
  (entry: RegExp) =>
  (text: string): readonly Pair[] =>
    Array.from(text.matchAll(entry), ({ groups }) => [groups?.["alias"], groups?.["name"]]);

/** By one of Yarn 4's, a package lies in several places. */
function yarn4Pairs(text: string): readonly Pair[] {
  return Array.from(text.matchAll(yarn4Entry), ({ groups = {} }) =>
    Array.from((groups["places"] ?? "").matchAll(yarn4Place), (place): Pair => [
      place.groups?.["alias"],
      groups["name"],
    ]),
  ).flat();
}

/**
 * What each package manager writes down of what it has put into a node_modules folder, and where, seen from the folder that this
 * lies in: npm since 7, Yarn 1, Yarn 4 with its "node-modules", Bun since 1.2.
 */
export const aliasRecords: readonly { readonly file: string; readonly pairs: (text: string) => readonly Pair[] }[] = [
  { file: "node_modules/.package-lock.json", pairs: pairs(npmEntry) },
  { file: "node_modules/.yarn-integrity", pairs: pairs(yarn1Entry) },
  { file: "node_modules/.yarn-state.yml", pairs: yarn4Pairs },
  { file: "bun.lock", pairs: pairs(bunEntry) },
];

/** Adds up what several records say. */
export function aliasesOf(said: readonly Pair[]): Aliases {
  const aliases = new Map<string, string[]>();
  for (const [alias, name] of said) {
    if (alias === undefined || name === undefined || alias === name) continue;
    const names = aliases.get(alias);
    if (names === undefined) aliases.set(alias, [name]);
    else if (!names.includes(name) && names.length < most) names.push(name);
  }
  return aliases;
}
const most = 16;
