import { lstat } from "node:fs/promises";
import type { Footing } from "#observe/footing.ts";
import { below, rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import { realPath } from "#observe/read-file.ts";
import type { Manifest } from "#observe/readers/package-json.ts";

const globals = "/lib/node_modules/";
/** Commands of one package that are looked for; tools have one or two. */
const mostCommands = 20;

/** The prefix that `npm install --global` put a package folder into; undefined for those below others, and in projects. */
export function globalPrefix(folder: RawPath): RawPath | undefined {
  const at = folder.indexOf(globals);
  if (at < 0 || folder.indexOf("/node_modules/") !== folder.lastIndexOf("/node_modules/")) return undefined;
  return rawFromBytes(Buffer.from(folder.slice(0, Math.max(1, at)), "latin1"));
}

/**
 * Whether the package manager has linked a command of this manifest into this very folder. npm writes down nowhere what
 * `npm install --global x@npm:tool` has installed as x; but <prefix>/bin/tool leads to <prefix>/lib/node_modules/x.
 */
export async function isLinkedTo(
  folder: RawPath,
  { commands }: Manifest,
  owner: number,
  footing?: Footing,
): Promise<boolean> {
  const prefix = globalPrefix(folder);
  if (prefix === undefined) return false;
  for (const command of commands.slice(0, mostCommands)) {
    const link = rawFromBytes(
      Buffer.from(`${below(prefix, "bin")}/${Buffer.from(command).toString("latin1")}`, "latin1"),
    );
    if (link === undefined || command.includes("/")) continue;
    footing?.on(link);
    const by = await lstat(toBytes(link)).catch(() => undefined);
    if (by === undefined || (by.uid !== 0 && by.uid !== owner)) continue;
    if ((await realPath(link))?.startsWith(`${folder}/`) === true) return true;
  }
  return false;
}
