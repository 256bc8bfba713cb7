import type { PlaceKind } from "#observe/places.ts";
import type { RawPath } from "#observe/raw-path.ts";

/** What is walked: it can be sent to a thread. */
export interface Tour {
  /** The first is walked last. */
  readonly starts: readonly { readonly folder: RawPath; readonly how: Manner }[];
  /** Entries that it looks at, so that no tree keeps a scan for ever. */
  readonly most: number;
  /** Folders that are walked by themselves, and not as a part of another. */
  readonly apart: ReadonlySet<string>;
  /** Folders that nobody walks. */
  readonly remote: ReadonlySet<string>;
}

/** What a walk has come by since it was last asked. */
export interface WalkPart {
  readonly found: readonly Candidate[];
  /** Files and folders. */
  readonly entries: number;
  /** Folders of containers and images that were not entered: what is installed there is not installed here. */
  readonly containers: readonly string[];
  /** Places that could not be looked into: named up to a bound, and how many there were. */
  readonly unreadable: readonly Unreadable[];
  readonly unreadableCount: number;
}

/** What of a tree is looked at. */
export interface Manner {
  /** Ordinary folders deep. */
  readonly depth: number;
  /** Whether its files are programs. */
  readonly programs: boolean;
  /** Whether only those hidden folders are entered that projects keep packages in. */
  readonly projects: boolean;
}

/** How a folder below the first is walked: with the engine whose container or image it lies in. */
export interface Inside extends Manner {
  readonly container: string | undefined;
}

/** A folder that waits to be walked, with all below it. It can be sent to a thread. */
export interface Branch {
  readonly folder: RawPath;
  readonly manner: Inside;
}

/** Something that can be installed, as its place in a tree says. Nothing of it was read yet. */
export type Candidate =
  | {
      readonly what: "npm" | "distribution" | "conda" | "firefox" | "yarn" | "wine" | "plugins" | PlaceKind;
      readonly folder: RawPath;
    }
  /** A regular file, or a link that may lead to one. */
  | { readonly what: "program"; readonly path: RawPath };

/** Names kept of places that could not be looked into; more are only counted. */
export const mostNamed = 1000;

/** A place that could not be looked into. */
export interface Unreadable {
  readonly path: string;
  readonly why: string;
}
