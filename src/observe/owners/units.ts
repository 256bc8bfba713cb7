import type { Footing } from "#observe/footing.ts";
import { caskIn, kegIn } from "#observe/owners/brew.ts";
import { bundleIn } from "#observe/owners/bundle.ts";
import { chromeExtensionIn } from "#observe/owners/chrome.ts";
import { flatpakIn } from "#observe/owners/flatpak.ts";
import { pluginIn } from "#observe/owners/jetbrains.ts";
import { msixIn } from "#observe/owners/msix.ts";
import { derivationIn } from "#observe/owners/nix.ts";
import { cachedByBun, cachedByDeno, storedByYarn } from "#observe/owners/npm-units.ts";
import { snapIn } from "#observe/owners/snap.ts";
import { builtinIn, extensionIn } from "#observe/owners/vscode.ts";
import type { PlaceKind, Unit } from "#observe/places.ts";
import type { Says } from "#observe/seen.ts";

type ReadUnit = (unit: Unit, owner: number, footing: Footing) => Promise<Says | undefined>;

const readers: Readonly<Record<PlaceKind, ReadUnit>> = {
  brew: kegIn,
  cask: caskIn,
  msix: msixIn,
  bundle: bundleIn,
  snap: snapIn,
  flatpak: flatpakIn,
  nix: derivationIn,
  extension: extensionIn,
  builtin: builtinIn,
  chrome: chromeExtensionIn,
  jetbrains: pluginIn,
  bun: cachedByBun,
  deno: cachedByDeno,
  yarnstore: storedByYarn,
};

/** What a unit's own records say, where root or `owner` wrote them; undefined where they do not bear out its place. */
export function readUnit(unit: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  return readers[unit.kind](unit, owner, footing);
}
