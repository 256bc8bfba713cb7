import type { Footing } from "#observe/footing.ts";
import { manifestIn } from "#observe/owners/manifest.ts";
import { seen } from "#observe/owners/npm.ts";
import type { Unit } from "#observe/places.ts";
import { parsePackageJson, type Manifest } from "#observe/readers/package-json.ts";
import type { Says } from "#observe/seen.ts";

/** A package of npm where no node_modules says whose a folder is: its manifest has to bear out the place. */
function npmIn(bearsOut: (unit: Unit, manifest: Manifest) => boolean) {
  return async (unit: Unit, owner: number, footing: Footing): Promise<Says | undefined> => {
    const bytes = await manifestIn(unit.folder, "package.json", owner, footing);
    const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
    return manifest !== undefined && bearsOut(unit, manifest) ? { package: seen(manifest) } : undefined;
  };
}

/** In Bun's cache, from which Bun runs what no node_modules has: <name>@<version>@@@<n>. */
export const cachedByBun = npmIn(({ folder }, { name, version = "" }) => folder.includes(`/${name}@${version}@@@`));

/** In Deno's cache, from which Deno runs what no node_modules has: npm/<registry>/<name>/<version>. */
export const cachedByDeno = npmIn(({ folder }, { name, version = "" }) => folder.endsWith(`/${name}/${version}`));

/**
 * As Yarn 4 links it (nodeLinker: pnpm): node_modules/.store/<slug>/package. The slug is a scope's slash as a dash, "npm" with the
 * version, or "virtual" where peers come in, and a hash.
 */
export const storedByYarn = npmIn(({ names: [slug = ""] }, { name, version = "" }) =>
  [`npm-${version}`, "virtual"].some((how) => slug.startsWith(`${name.replace("/", "-")}-${how}-`)),
);
