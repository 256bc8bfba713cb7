import type { Unit } from "#observe/places.ts";
import { folderAt } from "#observe/read-file.ts";
import { isBuildInput, parseStoreName } from "#observe/readers/nix.ts";
import type { Says } from "#observe/seen.ts";

/** A path of the Nix store: its name says what it is. Root's daemon made it, or whoever has a store without a daemon. */
export async function derivationIn({ folder, names }: Unit, owner: number): Promise<Says | undefined> {
  const { name: id, version } = parseStoreName(names[0] ?? "");
  const made = (await folderAt(folder))?.owner;
  if (isBuildInput(version) || (made !== 0 && made !== owner)) return undefined;
  return { package: { ecosystem: "nix", id, ...(version !== undefined && { version }) } };
}
