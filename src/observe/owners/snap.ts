import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { parseSnapYaml } from "#observe/readers/snap-yaml.ts";
import type { Says } from "#observe/seen.ts";

/** A snap's mounted revision: /snap/<name>/<revision>. A second instance of it is called <name>_<key>. */
export async function snapIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "meta/snap.yaml", owner, footing);
  const snap = bytes === undefined ? undefined : parseSnapYaml(bytes);
  if (snap === undefined || snap.name !== names[0]?.split("_", 1)[0]) return undefined;
  const { name: id, version } = snap;
  return { package: { ecosystem: "snap", id, ...(version !== undefined && { version }) } };
}
