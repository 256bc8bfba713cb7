import { readdir } from "node:fs/promises";
import type { Footing } from "#observe/footing.ts";
import { entryIn } from "#observe/owners/archive.ts";
import type { Unit } from "#observe/places.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { below, nameOf, toBytes, type RawPath } from "#observe/raw-path.ts";
import { parsePluginXml } from "#observe/readers/plugin-xml.ts";
import type { Says } from "#observe/seen.ts";

/** Bytes, and archives of one plugin: large ones have some hundred kilobytes, and some dozens of libraries. */
const longest = 4 * 1024 * 1024;
const mostArchives = 200;

const descriptor = "META-INF/plugin.xml";

/**
 * A plugin that a person added to an IDE: <IDE>/<plugin>/lib/*.jar, one of which has META-INF/plugin.xml; or it lies there as a
 * file, in the plugin's folder or in one in its lib; or the plugin is one archive itself (IntelliJ's PluginManagerCore).
 */
export async function pluginIn({ folder }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const lib = below(folder, "lib");
  footing.on(lib);
  const names = await readdir(toBytes(lib), { encoding: "latin1" }).catch(() => []);
  const called = nameOf(folder).toLowerCase();
  const likely = (name: string): number => (name.toLowerCase().startsWith(called) ? 0 : 1);
  const places = names.toSorted((a, b) => likely(a) - likely(b)).slice(0, mostArchives);
  for (const place of [folder, ...places.map((name) => below(lib, name))]) {
    const bytes = await descriptorIn(place, owner, footing);
    const plugin = bytes === undefined ? undefined : parsePluginXml(bytes);
    if (plugin !== undefined) return { extension: { host: "jetbrains", ...plugin } };
  }
  return undefined;
}

/** What an IDE looks into for a plugin's description. */
export function isArchive(name: string): boolean {
  return /\.(?:jar|zip)$/i.test(name);
}

function descriptorIn(place: RawPath, owner: number, footing: Footing): Promise<Uint8Array | undefined> {
  if (!isArchive(place)) return manifestIn(place, descriptor, owner, footing, longest);
  footing.on(place);
  return entryIn(place, descriptor, longest, owner);
}
