import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { extensionId, parsePackageJson } from "#observe/readers/package-json.ts";
import type { Says } from "#observe/seen.ts";

/** The extension in a folder that is named as editors name it (publisher.name-version), as its manifest says too. */
export function extensionIn(unit: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  return described(unit, owner, footing, (folder, id) => folder === id || folder.startsWith(`${id}-`));
}

/** An extension that an editor is shipped with: resources/app/extensions/<name>, in a folder that is called as its maker liked. */
export function builtinIn(unit: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  return described(unit, owner, footing, () => true);
}

async function described(
  { folder, names }: Unit,
  owner: number,
  footing: Footing,
  agrees: (folder: string, id: string) => boolean,
): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "package.json", owner, footing);
  const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
  const id = manifest === undefined ? undefined : extensionId(manifest);
  if (manifest === undefined || id === undefined || !agrees((names.at(-1) ?? "").toLowerCase(), id)) return undefined;
  return { extension: { host: "vscode", id, ...(manifest.version !== undefined && { version: manifest.version }) } };
}
