import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { commandDisguises } from "./commands.ts";
import type { Disguise } from "./disguise.ts";
import { fileDisguises } from "./files.ts";
import type { Prepared } from "./launch.ts";
import { mountDisguises } from "./mounts.ts";
import { give, type Place } from "./place.ts";
import type { Tool } from "./tool.ts";

/** Every disguise there is a row for. */
export const disguises: readonly Disguise[] = [...fileDisguises, ...commandDisguises, ...mountDisguises];

/** What is mounted in a folder, the innermost last. */
function mountsIn(folder: string): readonly string[] {
  const all = execFileSync("/bin/findmnt", ["-rno", "TARGET"]).toString().split("\n");
  return all.filter((target) => target.startsWith(`${folder}/`));
}

/** Unmounts everything in a folder, and removes it. @throws while something in it cannot be unmounted */
export function takeAway(folder: string): void {
  for (const target of mountsIn(folder).toReversed()) execFileSync("/bin/umount", ["--lazy", target]);
  execFileSync("/bin/rm", ["-rf", "--one-file-system", folder]);
}

/** Makes a disguise for a tool, anew. It belongs to the person, but for what needs root to be made. */
export function prepare(disguise: Disguise, tool: Tool, place: Place): Prepared {
  const folder = join(place.home, "disguises", disguise.id.replaceAll(/[^a-z]+/giu, "-"), tool.kind);
  takeAway(folder);
  mkdirSync(folder, { recursive: true });
  try {
    const prepared = disguise.make(tool, folder, place);
    // What is mounted in it is not ours: chown(1) would go on into the system's own /usr.
    if (mountsIn(folder).length === 0) give(place, folder);
    return prepared;
  } catch (error) {
    const [line = ""] = error instanceof Error ? error.message.split("\n") : [String(error)];
    return { not: `it cannot be made here: ${line}` };
  }
}
