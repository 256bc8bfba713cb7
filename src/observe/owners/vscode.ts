import type { Footing } from "#observe/footing.ts";
import type { ExtensionSeen } from "#policy/evidence.ts";
import { below, nameOf, rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { extensionId, longestManifest, parsePackageJson } from "#observe/readers/package-json.ts";

const marker = "/extensions/";

/** The folder directly under an `extensions` folder that a path lies in. */
function extensionFolder(path: RawPath): RawPath | undefined {
  for (let at = path.indexOf(marker); at >= 0; at = path.indexOf(marker, at + 1)) {
    const end = path.indexOf("/", at + marker.length);
    const folder = path.slice(0, end < 0 ? undefined : end);
    if (nameOf(folder).includes(".")) return rawFromBytes(Buffer.from(folder, "latin1"));
  }
  return undefined;
}

/** The extension that a folder holds: named as editors name it (publisher.name-version), as its manifest says too. */
export async function extensionIn(folder: RawPath, owner: number): Promise<ExtensionSeen | undefined> {
  const read = await readSmall(below(folder, "package.json"), longestManifest, owner);
  const manifest = "unread" in read ? undefined : parsePackageJson(read.bytes);
  const id = manifest === undefined ? undefined : extensionId(manifest);
  const name = nameOf(folder).toLowerCase();
  if (manifest === undefined || id === undefined || (name !== id && !name.startsWith(`${id}-`))) return undefined;
  return { host: "vscode", id, ...(manifest.version !== undefined && { version: manifest.version }) };
}

/** The editor extension that a file belongs to; undefined where nothing attributes it. */
export async function extensionOwner(
  path: RawPath,
  file: { readonly owner: number },
  footing: Footing,
): Promise<ExtensionSeen | undefined> {
  const folder = extensionFolder(path);
  if (folder === undefined) return undefined;
  footing.on(below(folder, "package.json"));
  return extensionIn(folder, file.owner);
}
