import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { parseSnapYaml } from "#observe/readers/snap-yaml.ts";
import type { Says } from "#observe/seen.ts";

/**
 * A snap's mounted revision: /snap/<name>/<revision>. A second instance of it is called <name>_<key>. snapd has called the folder
 * after the snap, whatever way its snap.yaml spells that: only a plain name that is another one says that it is none.
 */
export async function snapIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "meta/snap.yaml", owner, footing);
  const [id] = names[0]?.split("_", 1) ?? [];
  if (bytes === undefined || id === undefined || !/^[a-z0-9-]{1,40}$/.test(id)) return undefined;
  const { name = id, version } = parseSnapYaml(bytes);
  return name === id ? { package: { ecosystem: "snap", id, ...(version !== undefined && { version }) } } : undefined;
}
