import { readdir } from "node:fs/promises";
import type { Footing } from "#observe/footing.ts";
import { entryIn } from "#observe/owners/archive.ts";
import type { Unit } from "#observe/places.ts";
import { below, nameOf, toBytes } from "#observe/raw-path.ts";
import { parsePluginXml } from "#observe/readers/plugin-xml.ts";
import type { Says } from "#observe/seen.ts";

/** Bytes, and archives of one plugin: large ones have some hundred kilobytes, and some dozens of libraries. */
const longest = 4 * 1024 * 1024;
const mostArchives = 200;

/** A plugin that a person added to an IDE: <IDE>/<plugin>/lib/*.jar, one of which has META-INF/plugin.xml. */
export async function pluginIn({ folder }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const lib = below(folder, "lib");
  footing.on(lib);
  const names = await readdir(toBytes(lib), { encoding: "latin1" }).catch(() => []);
  const called = nameOf(folder).toLowerCase();
  const likely = (name: string): number => (name.toLowerCase().startsWith(called) ? 0 : 1);
  const archives = names.filter((name) => name.endsWith(".jar")).toSorted((a, b) => likely(a) - likely(b));
  for (const name of archives.slice(0, mostArchives)) {
    const archive = below(lib, name);
    footing.on(archive);
    const bytes = await entryIn(archive, "META-INF/plugin.xml", longest, owner);
    const plugin = bytes === undefined ? undefined : parsePluginXml(bytes);
    if (plugin !== undefined) return { extension: { host: "jetbrains", ...plugin } };
  }
  return undefined;
}
