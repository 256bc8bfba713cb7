import { readdir } from "node:fs/promises";

/** No repository gets past this by itself: signing once a second it takes 136 years. Whoever is past it was pushed. */
const mostVersion = 2 ** 32;

/** The versions of a role whose files lie in the folder, the newest first; leaving out those that somebody pushed. */
export async function versionsIn(dir: string, role: string): Promise<readonly number[]> {
  const ending = `.${role}.json`;
  const found = (await readdir(dir))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter((text) => /^[1-9]\d{0,9}$/.test(text))
    .map(Number);
  return found.filter((version) => version <= mostVersion).toSorted((a, b) => b - a);
}

/**
 * The version after this one. Where clients forget what they saw (5.3.11) and the number was pushed up by a fast-forward
 * attack, the repository counts on from its own: no file of an earlier version is written again, for caches keep those for ever.
 */
export async function versionAfter(version: number, role: string, dir: string, forgotten: boolean): Promise<number> {
  if (!forgotten || version <= mostVersion) return version + 1;
  return ((await versionsIn(dir, role))[0] ?? 0) + 1;
}
