import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { isCargoPlace } from "#observe/places.ts";
import { nameOf, parentOf, type RawPath } from "#observe/raw-path.ts";
import { crateOf } from "#observe/readers/cargo.ts";
import type { PackageSeen } from "#policy/evidence.ts";

/** The crate that a program was installed from, as its root says: <root>/bin/<program> beside <root>/.crates2.json. */
export async function cargoOwner(
  path: RawPath,
  { owner }: { readonly owner: number },
  footing: Footing,
): Promise<PackageSeen | undefined> {
  if (!isCargoPlace(path)) return undefined;
  const bytes = await manifestIn(parentOf(parentOf(path)), ".crates2.json", owner, footing);
  return bytes === undefined ? undefined : crateOf(bytes, nameOf(path));
}
