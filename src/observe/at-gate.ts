import { baseNames } from "#observe/command-line.ts";
import type { Content } from "#observe/content-pass.ts";
import { isCargoPlace, isInUnit } from "#observe/places.ts";
import { nameOf, toSeen, type RawPath } from "#observe/raw-path.ts";
import { notSigned, onlyAudit, reading, withPackage } from "#observe/seen.ts";
import type { Wanted } from "#policy/compile.ts";
import type { PackageSeen, ExtensionSeen, Reading, Seen } from "#policy/evidence.ts";

/** What a path says of its file's owner, read by whoever may open paths. */
export interface Owner {
  readonly package: Reading<PackageSeen>;
  readonly extension: Reading<ExtensionSeen>;
}

const unasked = "the gate opens no path: the agent is asked where it matters";
/** Until the agent has said more, or where there is nothing to ask it. */
export const notAsked: Owner = { package: { unread: unasked }, extension: { unread: unasked } };

/**
 * What the gate reads of a file by itself: its bytes, and the path that the kernel has for it. `path` is undefined where it
 * is in no place of ours, and then says nothing. Without `owner` what a program says itself that it is waits too: whoever owns
 * it may be approved.
 */
export function seenAtGate(path: RawPath | undefined, content: Content, owner?: Owner): Seen {
  const elsewhere = { unread: "its path does not lead to it here" };
  const seen = path === undefined ? undefined : toSeen(path).path;
  const packages = owner === undefined ? [] : (content.packages ?? []);
  return packages.reduce(withPackage, {
    ...(owner ?? notAsked),
    hash: content.hash,
    marker: content.marker,
    path: seen === undefined ? elsewhere : { value: [seen] },
    name: seen === undefined ? elsewhere : reading(baseNames(seen)),
    signer: content.signer ?? { unread: notSigned },
    config: { unread: onlyAudit },
  });
}

type Rule = (path: string, wanted: Wanted) => boolean;
const ofSystem = ["deb", "rpm", "apk", "pacman", "aur"];
const installed = ["/usr/", "/opt/", "/bin/", "/sbin/", "/lib"];

/** Paths that an owner can be read of. Read it as: where this is wanted, a path of that form is worth asking about. */
const owned: readonly Rule[] = [
  (path, { ecosystems }) => ecosystems.has("npm") && path.includes("/node_modules/"),
  (path, { ecosystems }) => ecosystems.has("pypi") && /\/(?:site|dist)-packages\//.test(path),
  (path, { ecosystems }) => ecosystems.has("pypi") && nameOf(path.slice(0, path.lastIndexOf("/"))) === "bin",
  (path, { ecosystems }) => ecosystems.has("cargo") && isCargoPlace(path),
  (path, { ecosystems }) =>
    ofSystem.some((one) => ecosystems.has(one)) && installed.some((folder) => path.startsWith(folder)),
];

/** Whether some wanted identity could be read from where a file lies. */
export function mayBeOwned(path: RawPath, wanted: Wanted): boolean {
  return owned.some((rule) => rule(path, wanted)) || isInUnit(path, wanted);
}
