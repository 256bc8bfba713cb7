import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { describe } from "#lib/errors.ts";
import { policyBounds } from "#policy/ban.ts";
import { parseTool } from "#policy/parse.ts";
import type { Catalog, Tool } from "#policy/tool.ts";

/** Where the shipped catalog lies, seen from this file: in the sources, and beside a bundle. */
const places = [
  "../../policies/catalog",
  "./policies/catalog",
  "../policies/catalog",
  "../share/edict/policies/catalog",
];

/** @throws CommandError where nothing was shipped */
export function shippedCatalog(): string {
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((dir) => existsSync(dir));
  if (found === undefined)
    throw new CommandError(
      exitCodes.usage[0],
      "no catalog lies beside this program; name its folder with --catalog DIR",
    );
  return found;
}

/**
 * The tools of a folder, one JSON file each, in the order of their ids.
 * @throws CommandError with code usage, naming the file
 */
export async function loadCatalog(dir: string = shippedCatalog()): Promise<Catalog> {
  const tools = new Map<string, Tool>();
  let bytes = 0;
  for (const file of await filesOf(dir)) {
    const text = await readFile(file);
    bytes += text.length;
    if (bytes > policyBounds.catalog)
      throw new CommandError(exitCodes.usage[0], `${dir} has more than ${policyBounds.catalog} bytes`);
    const tool = toolOf(file, text);
    if (tools.has(tool.id)) throw new CommandError(exitCodes.usage[0], `${file}: the tool ${tool.id} is there twice`);
    tools.set(tool.id, tool);
  }
  return { formatVersion: 1, tools: [...tools.values()] };
}

/** The catalog that `--catalog` names, or the shipped one. */
export function catalogOf(input: Input, io: Io): Promise<Catalog> {
  const named = textOption(input, "catalog");
  return named === undefined ? loadCatalog() : loadCatalog(resolve(io.cwd, named));
}

async function filesOf(dir: string): Promise<readonly string[]> {
  try {
    const names = await readdir(dir);
    return names
      .filter((name) => name.endsWith(".json"))
      .toSorted()
      .map((name) => join(dir, name));
  } catch (cause) {
    throw new CommandError(exitCodes.usage[0], `the catalog ${dir} cannot be read`, { cause });
  }
}

function toolOf(file: string, bytes: Uint8Array): Tool {
  try {
    return parseTool(bytes);
  } catch (cause) {
    throw new CommandError(exitCodes.usage[0], `${file}: ${describe(cause)}`);
  }
}
