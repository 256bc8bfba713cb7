import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { parseChromeManifest } from "#observe/readers/chrome.ts";
import type { Says } from "#observe/seen.ts";

/** An extension of a browser of Chromium's family: <profile>/Extensions/<id>/<version>_<n>. */
export async function chromeExtensionIn(
  { folder, names }: Unit,
  owner: number,
  footing: Footing,
): Promise<Says | undefined> {
  const [id = "", version = ""] = names;
  const bytes = await manifestIn(folder, "manifest.json", owner, footing);
  const manifest = bytes === undefined ? undefined : parseChromeManifest(bytes);
  if (manifest === undefined || manifest.version !== version.split("_", 1)[0]) return undefined;
  if (manifest.id !== undefined && manifest.id !== id) return undefined;
  return { extension: { host: manifest.host, id, version: manifest.version } };
}
