import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { seen } from "#observe/owners/npm.ts";
import type { Unit } from "#observe/places.ts";
import { parsePackageJson } from "#observe/readers/package-json.ts";
import type { Says } from "#observe/seen.ts";

/** A package of npm in Bun's cache, from which Bun runs what no node_modules has: <name>@<version>@@@<n>. */
export async function cachedByBun({ folder }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "package.json", owner, footing);
  const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
  if (manifest === undefined) return undefined;
  const { name, version = "" } = manifest;
  return folder.includes(`/${name}@${version}@@@`) ? { package: seen(manifest) } : undefined;
}
