import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { familyName, longestAppxManifest, parseAppxManifest } from "#observe/readers/appx-manifest.ts";
import type { Says } from "#observe/seen.ts";

/** A package of MSIX: WindowsApps/<name>_<version>_<architecture>_<resource>_<publisher's id>, by its family's name. */
export async function msixIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "AppxManifest.xml", owner, footing, longestAppxManifest);
  const identity = bytes === undefined ? undefined : parseAppxManifest(bytes);
  if (identity === undefined) return undefined;
  const [name, version, , , publisher] = names[0]?.split("_") ?? [];
  const id = familyName(identity);
  if (`${name}_${publisher}`.toLowerCase() !== id.toLowerCase() || version !== identity.version) return undefined;
  return { package: { ecosystem: "msix", id, version } };
}
