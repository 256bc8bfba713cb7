import type { Place } from "./place.ts";

export const kinds = ["native", "bun", "script", "python"] as const;
export type Kind = (typeof kinds)[number];

/** A stand-in for a banned tool, installed as its package manager would install it. */
export interface Tool {
  readonly kind: Kind;
  /** For the head of a column. */
  readonly title: string;
  /** What a person types; a link in a folder of PATH, or the console script itself. */
  readonly bin: string;
  /** The file that is the tool, links resolved: a program, or a script that names its interpreter. */
  readonly entry: string;
  /** The program that runs `entry`, for scripts. */
  readonly interpreter: string | undefined;
  /** The folder of the package, or of the environment it is installed in. */
  readonly tree: string;
  /** The command that runs the tool from a copy of its tree. */
  readonly runTree: (tree: string) => readonly [string, ...string[]];
  /** Makes a copy of the tree say that it is something else's. */
  readonly editManifest: (tree: string) => void;
  /** What npx would be asked for. */
  readonly npm: string | undefined;
  /** Code that an interpreter can be given to load the tool from where it is installed. */
  readonly importing: string | undefined;
  /** Another way its interpreter finds it. */
  readonly module: readonly [string, ...string[]] | undefined;
  /** Where its interpreter would look for its modules, were it told to (PYTHONPATH). */
  readonly modules: string | undefined;
  /** Strings that only this tool has, as a catalog would name them. */
  readonly markers: readonly string[];
  /** Every file that is the tool: what an administrator would collect hashes of. */
  readonly files: readonly string[];
  /** Its identities as a policy writes them. */
  readonly identities: readonly object[];
}

/** Makes a tool in a place; the reason where it cannot be had. @throws where a build fails that should not */
export type Build = (place: Place) => Tool | string;

/** Stands in every tool, and means nothing: for a byte to be changed in. */
export const spare = "spare feathers";

export function isTool(built: Tool | string): built is Tool {
  return typeof built !== "string";
}
