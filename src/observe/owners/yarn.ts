import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { seen } from "#observe/owners/npm.ts";
import type { Unit } from "#observe/places.ts";
import { parsePackageJson } from "#observe/readers/package-json.ts";
import type { Says } from "#observe/seen.ts";

/**
 * A package of npm as Yarn 4 links it (nodeLinker: pnpm): node_modules/.store/<slug>/package. The slug is a scope's slash as a dash,
 * "npm" with the version, or "virtual" where peers come in, and a hash.
 */
export async function storedByYarn(
  { folder, names }: Unit,
  owner: number,
  footing: Footing,
): Promise<Says | undefined> {
  const bytes = await manifestIn(folder, "package.json", owner, footing);
  const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
  if (manifest === undefined) return undefined;
  const { name, version = "" } = manifest;
  const [slug = ""] = names;
  const called = [`npm-${version}`, "virtual"].map((how) => `${name.replace("/", "-")}-${how}-`);
  return called.some((one) => slug.startsWith(one)) ? { package: seen(manifest) } : undefined;
}
