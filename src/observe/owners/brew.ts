import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { below, parentOf } from "#observe/raw-path.ts";
import { brewId, parseReceipt } from "#observe/readers/brew.ts";
import type { Says } from "#observe/seen.ts";

const receipt = "INSTALL_RECEIPT.json";

/** A keg: Cellar/<formula>/<version>, with its receipt in it. */
export async function kegIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, receipt, owner, footing);
  return said("brew", "homebrew/core", bytes, names);
}

/** A cask: Caskroom/<token>/<version>, with the token's receipt in .metadata beside it. */
export async function caskIn({ folder, names }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(below(parentOf(folder), ".metadata"), receipt, owner, footing);
  return said("cask", "homebrew/cask", bytes, names);
}

function said(
  ecosystem: string,
  official: string,
  bytes: Buffer | undefined,
  [name = "", version = ""]: readonly string[],
): Says | undefined {
  const tap = bytes === undefined ? undefined : parseReceipt(bytes);
  return tap === undefined ? undefined : { package: { ecosystem, id: brewId(tap, official, name), version } };
}
