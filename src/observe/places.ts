import { nameOf, rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import type { Wanted } from "#policy/compile.ts";

/** Installers that give each thing a folder of its own. */
export type PlaceKind =
  | "brew"
  | "cask"
  | "msix"
  | "bundle"
  | "snap"
  | "flatpak"
  | "nix"
  | "extension"
  | "builtin"
  | "chrome"
  | "jetbrains"
  | "bun"
  | "deno"
  | "yarnstore";

/** Where one of them puts what it installs: in a path, a few names behind a sign make one unit. */
export interface Place {
  readonly kind: PlaceKind;
  /** Text that the names follow; `root` ones stand at the beginning of a path only. */
  readonly signs: readonly string[];
  readonly root?: true;
  /** Its files are looked at one by one as well: a program in it may say more, such as who signed it. */
  readonly through?: true;
  /** What each name of a unit may be. */
  readonly names: readonly ((name: string) => boolean)[];
  /** Whether anybody asks whose such a unit is. */
  readonly wanted: (wanted: Wanted) => boolean;
}

/** One installed thing, as its place says. Nothing of it was read yet. */
export interface Unit {
  readonly kind: PlaceKind;
  readonly folder: RawPath;
  /** Its names, bytes as Latin-1: of a formula its own and its version. */
  readonly names: readonly string[];
}

const any = (name: string): boolean => name !== "" && !name.startsWith(".");
const dotted = (name: string): boolean => any(name) && name.includes(".");
const revision = (name: string): boolean => /^x?\d+$/.test(name);
const commit = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
const derived = (name: string): boolean => /^[0-9a-z]{32}-./.test(name);
const cached = (name: string): boolean => /^[^@.][^@]*@[^@]+@@@/.test(name);
const located = (name: string): boolean => /-(?:npm|virtual)-.{1,100}$/.test(name);
const content = (name: string): boolean => name === "package";
const release = (name: string): boolean => /^\d/.test(name);
const plain = (name: string): boolean => any(name) && !name.startsWith("@");
const scope = (name: string): boolean => /^@./.test(name);
const ide = (name: string): boolean => /^[A-Z][A-Za-z]{2,40}20\d\d\.\d$/.test(name);
const plugins = (name: string): boolean => name === "plugins";
const app = (name: string): boolean => /^[^.].*\.app$/.test(name);
const fullName = (name: string): boolean => /^[^_]+_\d[\d.]*_[^_]*_[^_]*_[\da-z]{13}$/i.test(name);
const storeId = (name: string): boolean => /^[a-p]{32}$/.test(name);

const ofEcosystem =
  (ecosystem: string) =>
  ({ ecosystems }: Wanted): boolean =>
    ecosystems.has(ecosystem);
const ofExtensions = ({ extensions }: Wanted): boolean => extensions;

/**
 * From Homebrew's Formula Cookbook, snapd's and Flatpak's descriptions of their filesystems, the Nix manual ("Store path"), VS
 * Code's documentation of extensions, Chromium's docs/user_data_dir.md, JetBrains'
 * "Directories used by the IDE", Microsoft's "Package identity", Apple's Bundle Programming Guide, and what Bun 1.3, Deno 2.9 and
 * Yarn 4 (nodeLinker: pnpm) make. A Nix store stands at the root, or in a folder that `nix --store` names.
 */
export const places: readonly Place[] = [
  { kind: "brew", signs: ["/Cellar/"], names: [any, any], wanted: ofEcosystem("brew") },
  { kind: "cask", signs: ["/Caskroom/"], names: [any, any], wanted: ofEcosystem("cask") },
  { kind: "msix", signs: ["/WindowsApps/"], through: true, names: [fullName], wanted: ofEcosystem("msix") },
  {
    kind: "bundle",
    signs: ["/Applications/", "/Applications/Utilities/", "/Downloads/", "/Desktop/"],
    through: true,
    names: [app],
    wanted: ofEcosystem("bundle"),
  },
  {
    kind: "snap",
    signs: ["/snap/", "/var/lib/snapd/snap/"],
    root: true,
    names: [any, revision],
    wanted: ofEcosystem("snap"),
  },
  { kind: "flatpak", signs: ["/flatpak/app/"], names: [dotted, any, any, commit], wanted: ofEcosystem("flatpak") },
  { kind: "nix", signs: ["/nix/store/"], names: [derived], wanted: ofEcosystem("nix") },
  { kind: "builtin", signs: ["/resources/app/extensions/"], names: [any], wanted: ofExtensions },
  { kind: "extension", signs: ["/extensions/"], names: [dotted], wanted: ofExtensions },
  { kind: "bun", signs: ["/install/cache/"], names: [cached], wanted: ofEcosystem("npm") },
  { kind: "bun", signs: ["/install/cache/"], names: [scope, cached], wanted: ofEcosystem("npm") },
  { kind: "deno", signs: ["/deno/npm/"], names: [any, plain, release], wanted: ofEcosystem("npm") },
  { kind: "deno", signs: ["/deno/npm/"], names: [any, scope, plain, release], wanted: ofEcosystem("npm") },
  {
    kind: "yarnstore",
    signs: ["/node_modules/.store/"],
    names: [located, content],
    wanted: ofEcosystem("npm"),
  },
  { kind: "jetbrains", signs: ["/JetBrains/", "/Google/"], names: [ide, plugins, any], wanted: ofExtensions },
  { kind: "jetbrains", signs: ["/JetBrains/", "/Google/"], names: [ide, any], wanted: ofExtensions },
  { kind: "chrome", signs: ["/Extensions/"], names: [storeId, any], wanted: ofExtensions },
];

/** One look for all signs at once: most paths have none. */
const anySign = new RegExp(
  places.flatMap(({ signs, root }) => signs.map((sign) => (root === true ? "^" : "") + RegExp.escape(sign))).join("|"),
);

/** Whether a path lies in a unit of a kind that somebody asks for. */
export function isInUnit(path: string, wanted: Wanted): boolean {
  return anySign.test(path) && places.some((place) => place.wanted(wanted) && unitOf(place, path) !== undefined);
}

/** The unit of one kind that a path is or lies in. Where a sign stands twice, the first that names follow counts. */
export function unitOf({ kind, signs, root, names }: Place, path: string): Unit | undefined {
  for (const sign of signs) {
    if (root === true && !path.startsWith(sign)) continue;
    for (let at = path.indexOf(sign); at >= 0; at = path.indexOf(sign, at + 1)) {
      const begin = at + sign.length;
      const found = path.slice(begin).split("/", names.length);
      if (found.length < names.length || !names.every((fits, i) => fits(found[i] ?? ""))) continue;
      const folder = rawFromBytes(Buffer.from(path.slice(0, begin) + found.join("/"), "latin1"));
      if (folder !== undefined) return { kind, folder, names: found };
    }
  }
  return undefined;
}

/** The unit of a known kind that a folder is, wherever it lies. */
export function unitAt(kind: PlaceKind, folder: RawPath): Unit {
  const count = places.find((place) => place.kind === kind)?.names.length ?? 1;
  return { kind, folder, names: folder.split("/").slice(-count) };
}

/** The kinds that a folder is a unit of, by where it lies. */
export function kindsAt(folder: RawPath): readonly PlaceKind[] {
  return places.filter((place) => unitOf(place, folder)?.folder === folder).map(({ kind }) => kind);
}

const none: readonly never[] = [];

/** By the name of the folder that their units lie right below. */
const byFolder = Map.groupBy(
  places.flatMap((place) => place.signs.map((sign) => ({ place, sign: sign.slice(0, -1) }))),
  ({ sign }) => nameOf(sign),
);

/** The kinds whose units lie right below a folder. */
export function placesBelow(folder: string): readonly Place[] {
  const path = folder.endsWith("/") ? folder.slice(0, -1) : folder;
  const named = byFolder.get(nameOf(path)) ?? none;
  return named
    .filter(({ place, sign }) => (place.root === true ? path === sign : path.endsWith(sign)))
    .map(({ place }) => place);
}

/** Whether cargo can have put a program there: in a folder `bin`, but in none of the system's. */
export function isCargoPlace(path: string): boolean {
  return /\/bin\/[^/]+$/.test(path) && !/^(?:\/usr)?\/bin\//.test(path);
}
