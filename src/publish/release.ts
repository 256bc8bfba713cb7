import type { Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { parseRoot, parseSnapshot, parseTimestamp, type Root } from "#trust/metadata.ts";
import { makesForget } from "#publish/authority.ts";
import { metaJson } from "#publish/content.ts";
import { firstRoot } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { writeAll, type Writes } from "#publish/journal.ts";
import { judge, type Seen } from "#publish/judge.ts";
import { describeBytes, fileOf, header, signed, type Versioned } from "#publish/metadata.ts";
import { onlineKeys, retireOnlineKeys } from "#publish/online-keys.ts";
import type { Signer } from "#publish/signer.ts";
import { versionAfter } from "#publish/versions.ts";

const none: ReadonlyMap<string, Versioned> = new Map();

/** What is to become visible together. */
export interface Release {
  readonly dir: string;
  /** The folder of the keys that the server signs with. */
  readonly keysDir: string;
  readonly now: Instant;
  /** What is in force, and counts as seen: a release may not look like a step back to anyone. Undefined for the first. */
  readonly before?: Seen | undefined;
  /** The root that is in force then. */
  readonly root: Uint8Array;
  readonly targets: Versioned;
  /** Delegated roles that become others; where the snapshot's or timestamp's keys change, all of them. */
  readonly delegated?: ReadonlyMap<string, Versioned>;
  /** Targets to be written, by their path under `targets/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Everything but writing. */
  readonly dryRun?: boolean | undefined;
}

/** The versions that are in force then. */
export interface Released {
  readonly targets: number;
  readonly snapshot: number;
  readonly timestamp: number;
  /** Where it became another one. */
  readonly root?: number;
}

/**
 * Signs snapshot and timestamp for it, lets our own client judge the whole, and only then writes, in an order in which a
 * reader at any instant sees a whole. Call it under the lock.
 * @throws TrustError for what no client would take; nothing has become visible then
 */
export async function publish(release: Release): Promise<Released> {
  const { dir, keysDir, now, before, targets, delegated = none } = release;
  const { root, former, forgets } = rootsOf(release);
  const old = before && { timestamp: parseTimestamp(before.timestamp), snapshot: parseSnapshot(before.snapshot) };
  const version = {
    snapshot: await versionAfter(old?.snapshot.version ?? 0, "snapshot", dir, forgets),
    timestamp: await versionAfter(old?.timestamp.version ?? 0, "timestamp", dir, forgets),
  };

  const meta: Record<string, object> = {};
  if (!forgets) for (const [name, known] of old?.snapshot.meta ?? []) meta[name] = metaJson(known);
  for (const [role, { version: v, bytes }] of [["targets", targets] as const, ...delegated])
    meta[`${role}.json`] = { version: v, ...describeBytes(bytes) };
  const content = { ...header("snapshot", version.snapshot, now), meta };
  const snapshot = fileOf(await signed(content, await signersOf("snapshot", keysDir, root, former)));
  const timestamp = await signTimestamp({ version, snapshot, now, keysDir, root, former });

  await write(release, {
    rootFile: before === undefined || former !== undefined ? [[`${root.version}.root.json`, release.root]] : [],
    below: [
      ...[...delegated].map(([role, { version: v, bytes }]) => [`${v}.${role}.json`, bytes] as const),
      [`${targets.version}.targets.json`, targets.bytes],
      [`${version.snapshot}.snapshot.json`, snapshot],
    ],
    timestamp: [["timestamp.json", timestamp]],
  });
  if (former !== undefined && release.dryRun !== true)
    for (const role of ["snapshot", "timestamp"] as const)
      await retireOnlineKeys(keysDir, role, root.roles[role].keyids);
  return { targets: targets.version, ...version, ...(former !== undefined && { root: root.version }) };
}

interface Roots {
  readonly root: Root;
  /** The one that is replaced, where it is. */
  readonly former: Root | undefined;
  /** 5.3.11: who follows this root forgets what the old keys had signed, so that versions may begin anew. */
  readonly forgets: boolean;
}

function rootsOf({ root: bytes, before }: Release): Roots {
  const root = parseRoot(bytes);
  if (before === undefined || Buffer.compare(bytes, before.root) === 0)
    return { root, former: undefined, forgets: false };
  const former = parseRoot(before.root);
  return { root, former, forgets: makesForget(former, root) };
}

/**
 * The server's keys for a role, and besides them those that the former root gave it: with both, a reader who does not know the
 * new root yet believes it too.
 * @throws PublishError KEY where there are too few
 */
async function signersOf(
  role: "snapshot" | "timestamp",
  keysDir: string,
  root: Root,
  former: Root | undefined,
): Promise<readonly Signer[]> {
  const keys = await onlineKeys(keysDir, role);
  const { keyids, threshold } = root.roles[role];
  const own = keys.filter(({ keyid }) => keyids.includes(keyid));
  if (own.length < threshold)
    throw new PublishError("KEY", `${keysDir} has ${own.length} of the ${threshold} keys that sign the ${role}`);
  const others = keys.filter((key) => !own.includes(key) && former?.roles[role].keyids.includes(key.keyid));
  return [...own, ...others];
}

export async function signTimestamp(about: {
  readonly version: { readonly snapshot: number; readonly timestamp: number };
  readonly snapshot: Uint8Array;
  readonly now: Instant;
  readonly keysDir: string;
  readonly root: Root;
  readonly former?: Root | undefined;
}): Promise<Buffer> {
  const { version, snapshot, now, keysDir, root, former } = about;
  const meta = { "snapshot.json": { version: version.snapshot, ...describeBytes(snapshot) } };
  const content = { ...header("timestamp", version.timestamp, now), meta };
  return fileOf(await signed(content, await signersOf("timestamp", keysDir, root, former)));
}

interface Layers {
  /** Empty where the root stays. */
  readonly rootFile: Writes;
  /** What the timestamp makes count. */
  readonly below: Writes;
  readonly timestamp: Writes;
}

/**
 * Nothing that a timestamp in force names is ever written again, so that what lies below a new one comes first. A new root and
 * a new timestamp cannot come at once: where devices that do not know the root yet take the timestamp too, it goes first, and
 * at no instant there is anything that somebody would not take. Else (the old keys are lost, or too few of them signed) the
 * root goes first, and whoever looks between the two keeps what they have, and looks again.
 */
async function write(release: Release, { rootFile, below, timestamp }: Layers): Promise<void> {
  const { dir, now, before, files, targets: top, delegated = none, dryRun = false } = release;
  const bootstrap = before === undefined ? release.root : await firstRoot(dir);
  const targets: Writes = [...files].map(([path, bytes]) => [`targets/${path}`, bytes] as const);
  const same = before !== undefined && Buffer.compare(before.targets, top.bytes) === 0;
  const changed = [...(same ? [] : ["targets"]), ...delegated.keys()];
  const taken = (metadata: Writes): Promise<void> =>
    judge({ dir, files: new Map([...targets, ...metadata]), bootstrap, seen: before, changed, now });

  await taken([...below, ...rootFile, ...timestamp]);
  if (dryRun) return;
  const timestampFirst =
    before !== undefined && rootFile.length > 0 && (await isTrusted(taken([...below, ...timestamp])));
  const above = timestampFirst ? [...timestamp, ...rootFile] : [...rootFile, ...timestamp];
  await writeAll(dir, targets, [...below, ...above]);
}

async function isTrusted(look: Promise<void>): Promise<boolean> {
  try {
    await look;
    return true;
  } catch (error) {
    if (error instanceof TrustError) return false;
    throw error;
  }
}
