import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { findTarget, type Found } from "#trust/delegations.ts";
import { TrustError } from "#trust/error.ts";
import type { Fetcher } from "#trust/fetcher.ts";
import { limits, maxRotations } from "#trust/limits.ts";
import type { FileMeta, Snapshot, TargetFile, Targets, Timestamp } from "#trust/metadata.ts";
import { sha256 } from "#trust/sha256.ts";
import { notBefore, raise, readState, standing, writeState, type Floor } from "#trust/state.ts";
import { roleFile, type MetadataStore } from "#trust/store.ts";
import { together } from "#trust/together.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { verifyBytes, verifyThreshold } from "#trust/verify.ts";

export interface UpdateOptions {
  readonly fetcher: Fetcher;
  readonly store: MetadataStore;
  /** The root that the installer brought. */
  readonly bootstrap: Uint8Array;
  /** The system's time. */
  readonly now: Instant;
  /** "reported" is for who repairs a repository: nothing that a device enforces is read so. */
  readonly expired?: Age;
}

/** All four roles, trusted. */
export interface Updated {
  readonly set: TrustedSet;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
  readonly floor: Floor | undefined;
  /**
   * What the roles say of a path (5.6.7): the delegated ones that are asked are fetched, stored and in `set` from then on,
   * under the deadline of this refresh. Undefined where nobody knows the path, or the snapshot not the role to be asked.
   * @param age "reported" also takes delegated roles that have expired, for whoever reports it
   * @throws TrustError
   */
  readonly find: (path: string, age?: Age) => Promise<Found | undefined>;
}

/** What to do with metadata that has expired. */
export type Age = "refused" | "reported";

/**
 * One run of the client workflow, TUF 1.0 section 5.2–5.6: each file is stored as soon as it is trusted, so that a run that
 * is cut off anywhere goes on from there, and nothing older ever replaces it.
 * @throws TrustError; what was trusted before still stands in the store
 */
export async function update({ fetcher, store, bootstrap, now, expired = "refused" }: UpdateOptions): Promise<Updated> {
  const set = await loadRoot(store, bootstrap);
  await followRoots(set, fetcher, store, bootstrap);
  const before = await readState(store);
  const known = await knownTimestamp(set, store);
  let floor = standing(before.floor, set.root.roles.timestamp, set.root.keys);
  set.finishRoot(expired === "refused" ? notBefore(now, floor) : undefined); // 5.3.10

  // 5.4.1
  const etag =
    before.etag !== undefined && known !== undefined && before.etag.of === sha256(known) ? before.etag : undefined;
  const reply = await fetcher.timestamp(limits.timestamp, etag?.value);
  let nextEtag = etag;
  if (reply === "unchanged") set.keepTimestamp();
  else {
    const news = set.updateTimestamp(reply.bytes);
    if (news === "new") await store.write("timestamp.json", reply.bytes); // 5.4.5
    const of = sha256(set.files.get("timestamp") ?? reply.bytes);
    nextEtag = reply.etag !== undefined && of === sha256(reply.bytes) ? { value: reply.etag, of } : undefined;
  }
  const timestamp = had(set.timestamp);
  floor = raise(floor, timestamp.issued, set.timestampSigners, now);
  set.advance(notBefore(now, floor));

  await updateSnapshot(set, timestamp.snapshot, fetcher, store);
  const snapshot = had(set.snapshot);
  await updateTargets(set, had(snapshot.meta.get("targets.json")), fetcher, store);
  await writeState(store, before, { ...before, etag: nextEtag, floor });
  const targets = had(set.targets);
  return {
    set,
    timestamp,
    snapshot,
    targets,
    floor,
    find: (path, age = expired) =>
      findTarget(path, targets, (role, parent) => askRole(role, parent, age, set, fetcher, store)),
  };
}

/**
 * The root to start from: the stored one, as long as the installer's root is the one it was reached from. Where that is
 * another one now (an administrator or an upgrade brought it), or the stored one is damaged, the installer's; but a stored one that is
 * newer and that its keys vouch for stays, so that an older package does not bring back keys that were replaced.
 */
export async function loadRoot(store: MetadataStore, bootstrap: Uint8Array): Promise<TrustedSet> {
  const [stored, from] = await together(["root.json", "bootstrap"], (name) => store.read(name, limits.root));
  const same = from !== undefined && Buffer.compare(from, bootstrap) === 0;
  const kept = attempt(stored);
  const installed = stored !== undefined && Buffer.compare(stored, bootstrap) === 0 ? kept : attempt(bootstrap);
  if (kept.set !== undefined && (same || installed.set === undefined || follows(kept.set, installed.set)))
    return kept.set;
  if (installed.set !== undefined) return installed.set;
  throw new TrustError("CACHE", "there is no root that can be trusted: neither the stored nor the installed one", {
    file: "root",
    cause: same ? (kept.error ?? installed.error) : installed.error,
  });
}

function attempt(bytes: Uint8Array | undefined): { readonly set?: TrustedSet; readonly error?: unknown } {
  if (bytes === undefined || bytes.length > limits.root) return {};
  try {
    return { set: new TrustedSet(bytes) };
  } catch (error) {
    return { error };
  }
}

function follows({ root: newer }: TrustedSet, { root: older }: TrustedSet): boolean {
  return newer.version >= older.version && tried(() => verifyThreshold(newer, older.roles.root, older.keys));
}

/** 5.3: every root after the trusted one, one by one. */
async function followRoots(
  set: TrustedSet,
  fetcher: Fetcher,
  store: MetadataStore,
  bootstrap: Uint8Array,
): Promise<void> {
  // First, so that a walk that is cut off goes on from where it stopped.
  const root = had(set.files.get("root"));
  const stored = await store.read("root.json", limits.root);
  if (stored === undefined || Buffer.compare(stored, root) !== 0) await store.write("root.json", root);
  const from = await store.read("bootstrap", limits.root);
  const other = from === undefined || Buffer.compare(from, bootstrap) !== 0;
  if (other && bootstrap.length > 0) await store.write("bootstrap", bootstrap); // empty: the installer's cannot be read
  for (let followed = 0; followed < maxRotations; followed += 1) {
    const bytes = await fetcher.metadata(`${set.root.version + 1}.root.json`, limits.root); // 5.3.3
    if (bytes === undefined) break;
    const { rotated } = set.updateRoot(bytes);
    if (rotated) {
      // 5.3.11, before the new root is stored: a stop between the two must not keep what a stolen key had signed.
      await store.remove("timestamp.json");
      await store.remove("snapshot.json");
    }
    await store.write("root.json", bytes); // 5.3.8
  }
}

/** The stored timestamp, where it still verifies: after a rotation, or when it is damaged, there is none. */
async function knownTimestamp(set: TrustedSet, store: MetadataStore): Promise<Uint8Array | undefined> {
  const bytes = await store.read("timestamp.json", limits.timestamp);
  try {
    if (bytes !== undefined) set.knowTimestamp(bytes);
    return bytes;
  } catch {
    return undefined;
  }
}

/** 5.5 */
async function updateSnapshot(set: TrustedSet, meta: FileMeta, fetcher: Fetcher, store: MetadataStore): Promise<void> {
  const stored = await store.read("snapshot.json", limits.signedMetadata);
  if (stored !== undefined && tried(() => set.updateSnapshot(stored))) return;
  if (stored !== undefined) tried(() => set.knowSnapshot(stored));
  const bytes = await download(set, "snapshot", meta, limits.snapshot, fetcher); // 5.5.1
  set.updateSnapshot(bytes);
  await store.write("snapshot.json", bytes); // 5.5.7
}

/** 5.6 */
async function updateTargets(set: TrustedSet, meta: FileMeta, fetcher: Fetcher, store: MetadataStore): Promise<void> {
  const stored = await store.read("targets.json", limits.signedMetadata);
  if (stored !== undefined && tried(() => set.updateTargets(stored))) return;
  const bytes = await download(set, "targets", meta, limits.targets, fetcher); // 5.6.1
  set.updateTargets(bytes);
  await store.write("targets.json", bytes); // 5.6.6
}

/** 5.6 for a delegated role: what is trusted or stored already is held to this parent too, and else fetched. */
async function askRole(
  role: string,
  parent: string,
  age: Age,
  set: TrustedSet,
  fetcher: Fetcher,
  store: MetadataStore,
): Promise<Targets | undefined> {
  const meta = set.snapshot?.meta.get(`${role}.json`);
  if (meta === undefined) return undefined;
  const file = roleFile(role);
  const known = set.files.get(role) ?? (await store.read(file, limits.delegated));
  if (known !== undefined && tried(() => set.updateDelegated(known, role, parent, age))) return set.delegated(role);
  const bytes = await download(set, role, meta, limits.delegated, fetcher, limits.delegated); // 5.6.1
  const targets = set.updateDelegated(bytes, role, parent, age);
  await store.write(file, bytes); // 5.6.6
  return targets;
}

async function download(
  set: TrustedSet,
  role: string,
  meta: FileMeta,
  most: number,
  fetcher: Fetcher,
  bound: number = limits.signedMetadata,
): Promise<Uint8Array> {
  const name = `${set.root.consistentSnapshot ? `${meta.version}.` : ""}${role}.json`;
  if ((meta.length ?? 0) > bound)
    throw new TrustError("LIMIT", `${name} would have ${meta.length} bytes`, { file: role });
  const bytes = await fetcher.metadata(name, meta.length ?? most);
  if (bytes === undefined) throw new TrustError("HTTP", `${name} is not in the repository`, { file: role, seen: 404 });
  return bytes;
}

/** 5.7: a target's bytes, as signed. @throws TrustError */
export async function fetchTarget(set: TrustedSet, file: TargetFile, fetcher: Fetcher): Promise<Uint8Array> {
  const bytes = await fetcher.target(targetName(set, file), file.length);
  verifyBytes(bytes, file, file.path);
  return bytes;
}

/** Section 6.2: with consistent snapshots the file's name begins with its hash. */
export function targetName(set: TrustedSet, { path, hashes }: TargetFile): string {
  const [hash] = hashes.values();
  return set.root.consistentSnapshot && hash !== undefined ? hashedName(path, hash) : path;
}

export function hashedName(path: string, hash: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}${hash}.${path.slice(slash)}`;
}

function tried(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** For what the line above has just set. */
function had<T>(value: T | undefined): T {
  if (value === undefined) throw new TrustError("CACHE", "a role is missing");
  return value;
}

/** Since when nothing newer came: the last refresh, else when the timestamp was made. */
export function lastHeard(refreshed: Instant | undefined, timestamp: Pick<Timestamp, "expires" | "issued">): Instant {
  return refreshed ?? timestamp.issued ?? instantOf(timestamp.expires - 72 * 3_600_000);
}
