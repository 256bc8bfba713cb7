import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { seen } from "#observe/owners/npm.ts";
import type { Unit } from "#observe/places.ts";
import { parsePackageJson } from "#observe/readers/package-json.ts";
import type { Says } from "#observe/seen.ts";

/** A package of npm in Deno's cache, from which Deno runs what no node_modules has: npm/<registry>/<name>/<version>. */
export async function cachedByDeno({ folder }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "package.json", owner, footing);
  const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
  if (manifest === undefined) return undefined;
  const { name, version = "" } = manifest;
  return folder.endsWith(`/${name}/${version}`) ? { package: seen(manifest) } : undefined;
}
