import { readdir } from "node:fs/promises";
import { Footing } from "#observe/footing.ts";
import { entryIn } from "#observe/owners/archive.ts";
import { isArchive, pluginIn } from "#observe/owners/jetbrains.ts";
import { seen as npmSeen } from "#observe/owners/npm.ts";
import { below, rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { longestManifest, parsePackageJson } from "#observe/readers/package-json.ts";
import { parseCondaRecord } from "#observe/readers/conda.ts";
import { parseAddons, profilesElsewhere } from "#observe/readers/firefox.ts";
import { longestRegistry, parseUninstallKeys } from "#observe/readers/uninstall-keys.ts";
import type { Says } from "#observe/seen.ts";

/** One of several things that are installed in one folder, and the file that says so. */
export interface Listed extends Says {
  readonly at: RawPath;
}

/** Bytes: a conda record names every file of its package, extensions.json has some kilobytes an extension. */
const longestRecord = 16 * 1024 * 1024;
const mostRecords = 5000;

/** The packages of a conda environment, by its folder conda-meta. */
export async function condaIn(folder: RawPath, owner: number): Promise<readonly Listed[]> {
  const names = await readdir(toBytes(folder), { encoding: "latin1" }).catch(() => []);
  const found: Listed[] = [];
  for (const name of names.filter((one) => one.endsWith(".json")).slice(0, mostRecords)) {
    const at = below(folder, name);
    const read = await readSmall(at, longestRecord, owner);
    const record = "unread" in read ? undefined : parseCondaRecord(read.bytes, name);
    if (record !== undefined) found.push({ at, package: record });
  }
  return found;
}

/** The extensions of a profile of Firefox, or of those profiles that a folder's profiles.ini has elsewhere. */
export async function addonsIn(folder: RawPath, owner: number): Promise<readonly Listed[]> {
  const list = await readSmall(below(folder, "profiles.ini"), longestRecord, owner);
  const elsewhere =
    "unread" in list ? [] : profilesElsewhere(list.bytes).map((path) => rawFromBytes(Buffer.from(path, "latin1")));
  const found: Listed[] = [];
  for (const profile of [folder, ...elsewhere]) {
    if (profile === undefined) continue;
    const at = below(profile, "extensions.json");
    const read = await readSmall(at, longestRecord, owner);
    if (!("unread" in read)) found.push(...parseAddons(read.bytes).map((extension) => ({ at, extension })));
  }
  return found;
}

/** What Windows would list as installed in a prefix of Wine: for everybody, and for the person whose it is. */
export async function uninstallKeysIn(prefix: RawPath, owner: number): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for (const hive of ["system.reg", "user.reg"]) {
    const at = below(prefix, hive);
    const read = await readSmall(at, longestRegistry, owner);
    for (const { key, version, winget } of "unread" in read ? [] : parseUninstallKeys(read.bytes)) {
      const says = version === undefined ? {} : { version };
      found.push({ at, package: { ecosystem: "arp", id: key, ...says } });
      if (winget !== undefined) found.push({ at, package: { ecosystem: "winget", id: winget, ...says } });
    }
  }
  return found;
}

const mostPlugins = 500;

/** The plugins of an IDE of JetBrains' that are one archive each, right in the folder that others have a folder in. */
export async function archivedIn(folder: RawPath, owner: number): Promise<readonly Listed[]> {
  const names = await readdir(toBytes(folder), { encoding: "latin1" }).catch(() => []);
  const found: Listed[] = [];
  for (const name of names.filter((one) => isArchive(one)).slice(0, mostPlugins)) {
    const at = below(folder, name);
    const says = await pluginIn({ kind: "jetbrains", folder: at, names: [name] }, owner, new Footing());
    if (says !== undefined) found.push({ at, ...says });
  }
  return found;
}

/** What Yarn calls an archive of npm's: a scope's slash is written as a dash. */
const yarnArchive = /^(.{1,214}?)-npm-[^/]{1,100}-[0-9a-f]{10}-[^/]{1,80}\.zip$/;
const mostArchives = 20_000;

/** The packages that Yarn (2 and later) keeps in archives and runs from there: .yarn/cache of a project, or of a person. */
export async function zippedIn(folder: RawPath, owner: number): Promise<readonly Listed[]> {
  const names = await readdir(toBytes(folder), { encoding: "latin1" }).catch(() => []);
  const found: Listed[] = [];
  for (const name of names.slice(0, mostArchives)) {
    const at = below(folder, name);
    for (const id of idsOf(yarnArchive.exec(name)?.[1] ?? "")) {
      const bytes = await entryIn(at, `node_modules/${id}/package.json`, longestManifest, owner);
      const manifest = bytes === undefined ? undefined : parsePackageJson(bytes);
      if (manifest?.name !== id) continue;
      found.push({ at, package: npmSeen(manifest) });
      break;
    }
  }
  return found;
}

/** The ids that an archive's name can stand for: "@a-b-c" for @a/b-c and for @a-b/c. */
function idsOf(slug: string): readonly string[] {
  if (!slug.startsWith("@")) return slug === "" ? [] : [slug];
  const dashes = [...slug.matchAll(/-/g)].map(({ index }) => index).slice(0, 8);
  return dashes.map((at) => `${slug.slice(0, at)}/${slug.slice(at + 1)}`);
}
