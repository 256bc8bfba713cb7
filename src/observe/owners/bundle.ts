import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import type { Unit } from "#observe/places.ts";
import { below } from "#observe/raw-path.ts";
import { stampAt } from "#observe/read-file.ts";
import { longestPlist, parseInfoPlist } from "#observe/readers/plist.ts";
import type { Says } from "#observe/seen.ts";

/** An application of macOS: <name>.app with Contents/Info.plist, and with the program that this names. */
export async function bundleIn({ folder }: Unit, owner: number, footing: Footing): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "Contents/Info.plist", owner, footing, longestPlist);
  const bundle = bytes === undefined ? undefined : parseInfoPlist(bytes);
  if (bundle?.executable === undefined) return undefined;
  const program = below(folder, `Contents/MacOS/${Buffer.from(bundle.executable).toString("latin1")}`);
  footing.on(program);
  if ((await stampAt(program)) === undefined) return undefined;
  const { identifier: id, version } = bundle;
  return { package: { ecosystem: "bundle", id, ...(version !== undefined && { version }) } };
}
