import { PackageURL } from "packageurl-js";
import type { ExtensionSeen, PackageSeen } from "#policy/evidence.ts";

type Parts = readonly [type: string, namespace: string | undefined, name: string];

/** How a type's name and namespace are put together to an id, where not as "namespace/name". */
const joined: Readonly<Record<string, string>> = { "vscode-extension": ".", deb: "", rpm: "", apk: "", alpm: "" };

/** "a/b/c" is the name c in the namespace a/b. */
function scoped(type: string, id: string): Parts {
  const at = id.lastIndexOf("/");
  return [type, at < 0 ? undefined : id.slice(0, at), id.slice(at + 1)];
}

/** Ecosystems that the purl specification has a type for (ECMA-427, "PURL types"); the others have none, and get none. */
const types: Readonly<Record<string, (id: string, distribution: string) => Parts>> = {
  npm: (id) => scoped("npm", id),
  pypi: (id) => ["pypi", undefined, id.replaceAll("_", "-")],
  deb: (id, distribution) => ["deb", distribution, id],
  rpm: (id, distribution) => ["rpm", distribution, id],
  apk: (id, distribution) => ["apk", distribution, id],
  pacman: (id, distribution) => ["alpm", distribution, id],
  cargo: (id) => ["cargo", undefined, id],
  go: (id) => scoped("golang", id),
  gem: (id) => ["gem", undefined, id],
  nuget: (id) => ["nuget", undefined, id],
  composer: (id) => scoped("composer", id),
  conda: (id) => ["conda", undefined, id],
  vscode: (id) => [
    "vscode-extension",
    id.includes(".") ? id.slice(0, id.indexOf(".")) : undefined,
    id.slice(id.indexOf(".") + 1),
  ],
  chrome: (id) => ["chrome-extension", undefined, id],
};

/**
 * A package or extension as a package URL.
 * @param distribution of the system's own packages, as os-release(5) names it: "debian"
 */
export function purlOf(seen: PackageSeen | ExtensionSeen, distribution: string): string | undefined {
  const parts = types["host" in seen ? seen.host : seen.ecosystem]?.(seen.id, distribution);
  if (parts === undefined) return undefined;
  const [type, namespace, name] = parts;
  try {
    return new PackageURL(type, namespace, name, seen.version, undefined, undefined).toString();
  } catch {
    return undefined; // an id that its own ecosystem would not take
  }
}

/** What a package URL names; undefined where it is none, or of a type that no identity is of. */
export function seenOfPurl(text: string): PackageSeen | ExtensionSeen | undefined {
  if (!text.startsWith("pkg:")) return undefined;
  try {
    const { type, namespace, name, version: given } = PackageURL.fromString(text);
    const known = Object.keys(types).find((kind) => types[kind]?.("a.b", "")[0] === type);
    if (known === undefined) return undefined;
    const between = joined[type] ?? "/";
    const id = (namespace ?? "") === "" || between === "" ? name : `${namespace}${between}${name}`;
    const version = given === null || given === undefined ? {} : { version: given };
    return known === "vscode" || known === "chrome"
      ? { host: known, id, ...version }
      : { ecosystem: known, id, ...version };
  } catch {
    return undefined;
  }
}
