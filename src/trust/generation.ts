import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { systemCode } from "#lib/errors.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { limits } from "#trust/limits.ts";
import type { TargetFile, Targets } from "#trust/metadata.ts";
import { sha256 } from "#trust/sha256.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { verifyBytes } from "#trust/verify.ts";

/** `stale`: the timestamp has expired, or nothing was heard for 24 hours · `very-stale`: for 7 days. Reported, never obeyed. */
export type Freshness = "fresh" | "stale" | "very-stale";

/** What is enforced together: one policy with the catalog that it was signed with. */
export interface Generation {
  /** The sha256 of the signed targets file: the same id is the same content. */
  readonly id: string;
  /** Version of the targets role. */
  readonly version: number;
  /** JSON, unpacked and as signed; not parsed yet. */
  readonly policy: Uint8Array;
  readonly catalog: Uint8Array;
  /** Time is not before this (the newest signed time that was believed); 0 where there is none. */
  readonly floor: Instant;
  /** At the moment it was read; `Client.status()` says how it is now. */
  readonly state: Freshness;
}

/** The targets a device follows, with what they may unpack to. */
export const deviceTargets = [
  { path: "policy.json", bound: limits.policy },
  { path: "catalog.json", bound: limits.catalog },
] as const;

/** Everything of one generation as it lies on disk, by file name; the metadata in the order in which it is verified. */
export const generationFiles = [
  { name: "root.json", bound: limits.root },
  { name: "timestamp.json", bound: limits.timestamp },
  { name: "snapshot.json", bound: limits.signedMetadata },
  { name: "targets.json", bound: limits.signedMetadata },
  ...deviceTargets.map(({ path, bound }) => ({ name: `${path}.gz`, bound })),
] as const;

export interface Chain {
  readonly set: TrustedSet;
  readonly targets: Targets;
}

/**
 * A stored generation, verified again from its own root down to its files; expiry is not looked at.
 * @throws TrustError
 */
export function verifyGeneration(files: ReadonlyMap<string, Uint8Array>): Chain {
  const file = (name: string): Uint8Array => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new TrustError("CACHE", `${name} is missing or cannot be read`, { file: name });
    return bytes;
  };
  const set = new TrustedSet(file("root.json"));
  set.finishRoot(undefined);
  set.updateTimestamp(file("timestamp.json"));
  set.updateSnapshot(file("snapshot.json"));
  set.updateTargets(file("targets.json"));
  if (set.targets === undefined) throw new TrustError("CACHE", "targets.json is missing", { file: "targets" });
  for (const { path } of deviceTargets) verifyBytes(file(`${path}.gz`), deviceTarget(set.targets, path), path);
  return { set, targets: set.targets };
}

/** @throws TrustError MISMATCH where nobody has signed such a file yet, LIMIT where it is too long to be fetched */
export function deviceTarget(targets: Targets, path: string): TargetFile {
  const target = targets.targets.get(path);
  if (target === undefined)
    throw new TrustError("MISMATCH", `no ${path} has been published in targets version ${targets.version}`, {
      file: path,
    });
  const bound = deviceTargets.find((known) => known.path === path)?.bound ?? 0;
  if (target.length > bound)
    throw new TrustError("LIMIT", `${path} has ${target.length} bytes, at most ${bound} are allowed`, { file: path });
  return target;
}

export function idOf(set: TrustedSet): string {
  return sha256(set.files.get("targets") ?? new Uint8Array());
}

const inflate = promisify(gunzip);

/**
 * The signed bytes are gzip (RFC 1952); this is what they hold.
 * @param bound most bytes they may unpack to; nothing longer is ever in memory
 * @throws TrustError LIMIT, or FORMAT where it is no gzip
 */
export async function unpack(packed: Uint8Array, path: string, bound: number): Promise<Uint8Array> {
  try {
    return await inflate(packed, { maxOutputLength: bound });
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw new TrustError("LIMIT", `${path} unpacks to more than ${bound} bytes`, { file: path, cause: error });
    throw new TrustError("FORMAT", `${path} is not gzip`, { file: path, cause: error });
  }
}
