import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import type { RawPath } from "#observe/raw-path.ts";
import { parseFlatpak, releaseIn } from "#observe/readers/flatpak.ts";
import type { Says } from "#observe/seen.ts";

/** A deployed application: app/<id>/<arch>/<branch>/<commit>. */
export async function flatpakIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const [id = ""] = names;
  const bytes = await manifestIn(folder, "metadata", owner, footing);
  if (bytes === undefined || parseFlatpak(bytes) !== id) return undefined;
  const version = await versionOf(folder, id, owner, footing);
  return { package: { ecosystem: "flatpak", id, ...(version !== undefined && { version }) } };
}

/** By its AppStream file, of a newer or an older name (AppStream 1.0, "Metainfo file location"). */
async function versionOf(folder: RawPath, id: string, owner: number, footing: Footing): Promise<string | undefined> {
  for (const name of [`metainfo/${id}.metainfo.xml`, `metainfo/${id}.appdata.xml`, `appdata/${id}.appdata.xml`]) {
    const info = await manifestIn(folder, `files/share/${name}`, owner, footing);
    if (info !== undefined) return releaseIn(info);
  }
  return undefined;
}
