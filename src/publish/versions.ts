import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import { TrustError } from "#trust/error.ts";
import { limits } from "#trust/limits.ts";
import { parseTargets } from "#trust/metadata.ts";
import { verifyThreshold } from "#trust/verify.ts";
import type { Authority } from "#publish/authority.ts";
import type { Versioned } from "#publish/metadata.ts";

/** No repository gets past this by itself: signing once a second it takes 136 years. What is past it was pushed there. */
export const mostVersion = 2 ** 32;

/** The versions of a role whose files lie in the folder, the newest first; without those that were pushed up. */
export async function versionsIn(dir: string, role: string): Promise<readonly number[]> {
  const ending = `.${role}.json`;
  const found = (await readdir(dir))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter((text) => /^[1-9]\d{0,15}$/.test(text))
    .map(Number);
  return found.filter((version) => version <= mostVersion).toSorted((a, b) => b - a);
}

/** @throws TrustError VERSION where nothing can come after it */
export function following(role: string, version: number): number {
  if (Number.isSafeInteger(version + 1)) return version + 1;
  throw new TrustError(
    "VERSION",
    `somebody pushed ${role} up to version ${version}, after which none can come: edict trust rotate snapshot timestamp`,
    { file: role, seen: version },
  );
}

/**
 * The version after this one. Where clients forget what they saw (5.3.11) and the number was pushed up by a fast-forward
 * attack, the repository counts on from its own: no file of an earlier version is written again, for caches keep those for ever.
 */
export async function versionAfter(version: number, role: string, dir: string, forgotten: boolean): Promise<number> {
  if (!forgotten || version <= mostVersion) return following(role, version);
  return ((await versionsIn(dir, role))[0] ?? 0) + 1;
}

/**
 * The newest file of a role that its keys have signed, whatever snapshot and timestamp say: those may have been signed with stolen
 * keys, and show an older one. Undefined where there is none.
 */
export async function newestSigned(
  dir: string,
  name: string,
  { role, keys }: Authority,
): Promise<Versioned | undefined> {
  for (const version of await versionsIn(dir, name)) {
    try {
      const bytes = await readBounded(join(dir, `${version}.${name}.json`), limits.signedMetadata);
      const metadata = parseTargets(bytes, name);
      verifyThreshold(metadata, role, keys, name);
      if (metadata.version === version) return { version, bytes };
    } catch (error) {
      if (!(error instanceof TrustError)) throw error; // it is not what its keys have signed
    }
  }
  return undefined;
}
