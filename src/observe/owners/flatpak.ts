import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { parseFlatpak, releaseIn } from "#observe/readers/flatpak.ts";
import type { Says } from "#observe/seen.ts";

/** A deployed application: app/<id>/<arch>/<branch>/<commit>. */
export async function flatpakIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const [id = ""] = names;
  const bytes = await manifestIn(folder, "metadata", owner, footing);
  if (bytes === undefined || parseFlatpak(bytes) !== id) return undefined;
  const info = await manifestIn(folder, `files/share/metainfo/${id}.metainfo.xml`, owner, footing);
  const version = info === undefined ? undefined : releaseIn(info);
  return { package: { ecosystem: "flatpak", id, ...(version !== undefined && { version }) } };
}
