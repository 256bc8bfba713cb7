import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { limits } from "#trust/limits.ts";
import { parseSnapshot, parseTargets, timestampLifeMs, type Snapshot } from "#trust/metadata.ts";
import { hashedName } from "#trust/updater.ts";
import { lifetimeMs } from "#publish/metadata.ts";
import { mostVersion } from "#publish/versions.ts";

/** After this nobody believes a timestamp that names the snapshot before, and a day for clocks that differ. */
const keptMs = timestampLifeMs + 86_400_000;

/**
 * Removes what no device asks for any more. With consistent snapshots (TUF 1.0, section 6.2) a device that has a timestamp may
 * ask for all that it names; so a snapshot stays until every timestamp that named it has expired, and so does everything that it names,
 * and whatever is newer: that is what a repository is restored from when its server's keys were stolen. Roots stay for ever. Call it under the lock.
 * @param inForce verified
 * @returns how many files are gone
 */
export async function prune(dir: string, inForce: Snapshot, now: Instant): Promise<number> {
  if (inForce.version > mostVersion) return 0; // somebody pushed it up: what lies here is what is left
  const files = (await readdir(dir)).flatMap((name) => versionedFile(name) ?? []);
  const snapshots = await neededSnapshots(dir, files, inForce, now);
  const oldest = new Map<string, number>([["snapshot", Math.min(...snapshots.map(({ version }) => version))]]);
  for (const { meta } of snapshots)
    for (const [file, { version }] of meta) {
      const role = file.replace(/\.json$/, "");
      oldest.set(role, Math.min(version, oldest.get(role) ?? version));
    }
  const isOld = ({ role, version }: VersionedFile): boolean => version < (oldest.get(role) ?? 0);
  const old = files.filter((file) => file.role !== "root" && isOld(file));
  if (old.length === 0) return 0;
  // Last, so that whoever is cut off here begins with the same again.
  const targets = await unnamedTargets(
    dir,
    files.filter((file) => !isOld(file)),
  );
  for (const name of [...targets, ...old.map((file) => file.name)]) await rm(join(dir, name), { force: true });
  return targets.length + old.length;
}

interface VersionedFile {
  readonly name: string;
  readonly role: string;
  readonly version: number;
}

function versionedFile(name: string): VersionedFile | undefined {
  const [, version, role] = /^([1-9]\d{0,15})\.(.+)\.json$/.exec(name) ?? [];
  return role === undefined ? undefined : { name, role, version: Number(version) };
}

/** The one in force, those after it, and those before it that a device may still be told of. */
async function neededSnapshots(
  dir: string,
  files: readonly VersionedFile[],
  inForce: Snapshot,
  now: Instant,
): Promise<readonly Snapshot[]> {
  const needed: Snapshot[] = [inForce];
  // A snapshot says when it ends, and so when it was signed: until then the one before was named.
  let replaced = inForce.expires - lifetimeMs.snapshot;
  const before = files.filter(({ role, version }) => role === "snapshot" && version < inForce.version);
  for (const { name } of before.toSorted((a, b) => b.version - a.version)) {
    if (now - replaced > keptMs) break;
    const snapshot = await read(dir, name, parseSnapshot);
    if (snapshot === undefined) continue;
    needed.push(snapshot);
    replaced = snapshot.expires - lifetimeMs.snapshot;
  }
  return needed;
}

/** Target files of ours that none of these versions names. */
async function unnamedTargets(dir: string, files: readonly VersionedFile[]): Promise<readonly string[]> {
  const named = new Set<string>();
  for (const { name, role } of files.filter((file) => !["root", "snapshot"].includes(file.role))) {
    const metadata = await read(dir, name, (bytes) => parseTargets(bytes, role));
    for (const { path, hashes } of metadata?.targets.values() ?? [])
      for (const hash of hashes.values()) named.add(hashedName(path, hash));
  }
  const below = join(dir, "targets");
  const entries = await readdir(below, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^[0-9a-f]{64,128}\./.test(entry.name))
    .map((entry) => relative(below, join(entry.parentPath, entry.name)))
    .filter((path) => !named.has(path))
    .map((path) => join("targets", path));
}

/** Undefined where it is none: no device takes it. A file that cannot be read is an error: it may be one. */
async function read<T>(dir: string, name: string, parse: (bytes: Uint8Array) => T): Promise<T | undefined> {
  const bytes = await readBounded(join(dir, name), limits.signedMetadata);
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}
