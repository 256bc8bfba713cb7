import { promisify } from "node:util";
import { gunzip, gunzipSync } from "node:zlib";
import { systemCode } from "#lib/errors.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { findTarget, type Found } from "#trust/delegations.ts";
import { TrustError } from "#trust/error.ts";
import { limits } from "#trust/limits.ts";
import type { TargetFile, Targets } from "#trust/metadata.ts";
import { partOf, type Part } from "#trust/parts.ts";
import { sha256 } from "#trust/sha256.ts";
import { roleFile } from "#trust/store.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { verifyBytes } from "#trust/verify.ts";

/** `stale`: the timestamp has expired, or nothing was heard for 24 hours · `very-stale`: for 7 days. Reported, never obeyed. */
export type Freshness = "fresh" | "stale" | "very-stale";

/** What is enforced together: one policy with the catalog, the groups and the exceptions that it was signed with. */
export interface Generation {
  /** The same id is the same content, of everything that is in use here. */
  readonly id: string;
  /** The same id is the same bans: everything but the exceptions. */
  readonly policyId: string;
  /** Version of the targets role. */
  readonly version: number;
  /** JSON, unpacked and as signed; not parsed yet. So are all the others. */
  readonly policy: Uint8Array;
  readonly catalog: Uint8Array;
  /** Who is in which group; undefined where nobody has signed that. */
  readonly devices: Uint8Array | undefined;
  /** Group → its policy: those of this device's groups that have one. */
  readonly groups: ReadonlyMap<string, Uint8Array>;
  /** This device's part of the exceptions; undefined where there is none. */
  readonly exceptions: Uint8Array | undefined;
  /** Time is not before this (the newest signed time that was believed); 0 where there is none. */
  readonly floor: Instant;
  /** At the moment it was read; `Client.status()` says how it is now. */
  readonly state: Freshness;
}

/** The targets that a repository must have, with what they may unpack to. */
export const deviceTargets = [
  { path: "policy.json", bound: limits.policy },
  { path: "catalog.json", bound: limits.catalog },
] as const;

/** A part, and which role says what of it. */
export interface Used {
  readonly part: Part;
  readonly found: Found;
}

/** What verified together. */
export interface Chain {
  readonly set: TrustedSet;
  readonly targets: Targets;
  readonly used: readonly Used[];
}

/**
 * A stored generation, verified again from its own root down to its files; expiry is not looked at.
 * @param files by their names in its folder: which groups and exceptions are in use stands nowhere but in these names and its id
 * @throws TrustError
 */
export async function verifyGeneration(files: ReadonlyMap<string, Uint8Array>): Promise<Chain> {
  const file = (name: string): Uint8Array => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new TrustError("CACHE", `${name} is missing or cannot be read`, { file: name });
    return bytes;
  };
  const set = new TrustedSet(file("root.json"));
  set.updateTimestamp(file("timestamp.json"));
  set.updateSnapshot(file("snapshot.json"));
  set.updateTargets(file("targets.json"));
  const { targets } = set;
  if (targets === undefined) throw new TrustError("CACHE", "targets.json is missing", { file: "targets" });
  const ask = (role: string, parent: string): Promise<Targets> =>
    Promise.resolve(set.updateDelegated(file(roleFile(role)), role, parent));
  const used: Used[] = [];
  for (const path of [...commonPaths(targets), ...[...files.keys()].flatMap((name) => devicePath(name) ?? [])]) {
    const part = partOf(path);
    const found = part && (await findPart(part, targets, () => findTarget(path, targets, ask)));
    if (part === undefined || found === undefined)
      throw new TrustError("MISMATCH", `nobody has signed ${path}`, { file: path });
    verifyBytes(file(packedFile(path)), found.file, path);
    used.push({ part, found });
  }
  return { set, targets, used };
}

/** Most bytes of a file in a generation's folder; undefined for what is none of its files. */
export function boundOf(file: string): number | undefined {
  if (file === "root.json") return limits.root;
  if (file === "timestamp.json") return limits.timestamp;
  if (file === "snapshot.json" || file === "targets.json") return limits.signedMetadata;
  return file.endsWith(".json") ? limits.delegated : partOf(pathOf(file))?.bound;
}

/**
 * Who says what of a part; undefined where nobody does. What concerns every device is said by the top-level targets role alone.
 * @param search 5.6.7, for its path
 * @throws TrustError LIMIT where it is too long to be fetched; whatever `search` throws
 */
export async function findPart(
  part: Part,
  targets: Targets,
  search: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  if (part.kind === "group" || part.kind === "exceptions") {
    const found = await search();
    return found && { ...found, file: bounded(found.file, part) };
  }
  const file = targets.targets.get(part.path);
  return file && { file: bounded(file, part), role: "targets" };
}

/** @throws TrustError MISMATCH where nobody has signed such a file yet, LIMIT where it is too long to be fetched */
export function deviceTarget(targets: Targets, path: string): TargetFile {
  const target = targets.targets.get(path);
  if (target === undefined)
    throw new TrustError("MISMATCH", `no ${path} has been published in targets version ${targets.version}`, {
      file: path,
    });
  return bounded(target, partOf(path));
}

function bounded(file: TargetFile, part: Part | undefined): TargetFile {
  const bound = part?.bound ?? 0;
  if (file.length <= bound) return file;
  throw new TrustError("LIMIT", `${file.path} has ${file.length} bytes, at most ${bound} are allowed`, {
    file: file.path,
  });
}

/** The parts that every device uses; each is there, or the generation is not whole. */
export function commonPaths({ targets }: Targets): readonly string[] {
  const devices = "devices.json";
  return [...deviceTargets.map(({ path }) => path), ...(targets.has(devices) ? [devices] : [])];
}

/**
 * A role counts with its bytes, so that another version is another generation; the exceptions count with what they say to this
 * device alone: they change all day, and for somebody else.
 */
export function idsOf({ set, used }: Pick<Chain, "set" | "used">): { readonly id: string; readonly policyId: string } {
  const inOrder = used.toSorted((a, b) => (a.part.path < b.part.path ? -1 : 1));
  const own = inOrder.filter(({ part }) => part.kind === "group");
  const groups = own.map(({ part, found }) => [part.path, found.role, hashOf(set, found.role)]);
  const exceptions = inOrder.filter(({ part }) => part.kind === "exceptions");
  const granted = exceptions.map(({ part, found }) => [part.path, [...found.file.hashes]]);
  const common = hashOf(set, "targets");
  const policyId = groups.length === 0 ? common : sha256(JSON.stringify([common, groups]));
  return { id: granted.length === 0 ? policyId : sha256(JSON.stringify([policyId, granted])), policyId };
}

/** Of a role's bytes, as they are trusted. */
export function hashOf(set: TrustedSet, role: string): string {
  return sha256(set.files.get(role) ?? "");
}

/** As a packed part lies in a generation's folder. */
export function packedFile(path: string): string {
  return `${encodeURIComponent(path)}.gz`;
}

function pathOf(file: string): string {
  return file.endsWith(".gz") ? file.slice(0, -".gz".length).replaceAll("%2F", "/") : "";
}

/** The path of a part that only some devices have, by the name of its file; undefined for every other file. */
function devicePath(file: string): string | undefined {
  const part = partOf(pathOf(file));
  return part?.kind === "group" || part?.kind === "exceptions" ? part.path : undefined;
}

const inflate = promisify(gunzip);
/** So few bytes are unpacked at once, which is sooner over than a thread has begun; 33 MB is the most that they can hold (deflate's 1032 to 1). */
const fewBytes = 32 * 1024;

/**
 * The signed bytes are gzip (RFC 1952); this is what they hold.
 * @param bound most bytes they may unpack to; nothing longer is ever in memory
 * @throws TrustError LIMIT, or FORMAT where it is no gzip
 */
export async function unpack(packed: Uint8Array, path: string, bound: number): Promise<Uint8Array> {
  try {
    const options = { maxOutputLength: bound };
    return packed.length <= fewBytes ? gunzipSync(packed, options) : await inflate(packed, options);
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw new TrustError("LIMIT", `${path} unpacks to more than ${bound} bytes`, { file: path, cause: error });
    throw new TrustError("FORMAT", `${path} is not gzip`, { file: path, cause: error });
  }
}
