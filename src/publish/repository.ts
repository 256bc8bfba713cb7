import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAtomic } from "#lib/atomic-file.ts";
import type { Clock } from "#lib/clock.ts";
import { withLock } from "#lib/file-lock.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { FileMeta, TopRole } from "#trust/metadata.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { readRoles } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { onlineKeys, type OnlineKeys } from "#publish/keys.ts";
import { describeBytes, fileOf, header, lifetimeMs, signed } from "#publish/metadata.ts";
import type { Signer } from "#publish/signer.ts";

/** A repository's folder and the folder of the keys that its server signs with. */
export interface Repository {
  readonly dir: string;
  readonly keysDir: string;
  readonly clock: Clock;
}

export interface NewRepository extends Repository {
  /** Signs root and targets, where the lists below do not say otherwise. */
  readonly key: Signer;
  readonly rootSigners?: readonly Signer[];
  readonly targetsSigners?: readonly Signer[];
  /** How many of them are needed, for both roles; 1 where it is not given. */
  readonly threshold?: number;
}

/**
 * A new repository, whole at once: root, an empty targets file, snapshot and timestamp; the online keys are made.
 * @returns the root, which devices are installed with
 * @throws PublishError EXISTS where there is one already
 */
export async function initRepository(options: NewRepository): Promise<{ readonly root: Uint8Array }> {
  const { dir, keysDir, clock, key, rootSigners = [key], targetsSigners = [key], threshold = 1 } = options;
  if (threshold < 1 || threshold > Math.min(rootSigners.length, targetsSigners.length))
    throw new PublishError("KEY", `${threshold} signatures are asked for, and there are fewer keys`);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return exclusively(dir, async () => {
    if (await exists(join(dir, "1.root.json"))) throw new PublishError("EXISTS", `${dir} holds a repository already`);
    const online = await onlineKeys(keysDir, "make");
    const now = clock.now();
    const everyone = [...rootSigners, ...targetsSigners, online.snapshot, online.timestamp];
    const rootContent = {
      ...header("root", 1, now),
      consistent_snapshot: true,
      keys: Object.fromEntries(everyone.map((s) => [s.keyid, s.key])),
      roles: {
        root: role(rootSigners, threshold),
        timestamp: role([online.timestamp], 1),
        snapshot: role([online.snapshot], 1),
        targets: role(targetsSigners, threshold),
      },
    };
    const root = fileOf(await signed(rootContent, rootSigners));
    const targets = fileOf(await signed({ ...header("targets", 1, now), targets: {} }, targetsSigners));
    await publish({ dir, root, targets: { version: 1, bytes: targets }, online, now, files: new Map() });
    return { root };
  });
}

function role(signers: readonly Signer[], threshold: number): object {
  return { keyids: signers.map((signer) => signer.keyid), threshold };
}

/** What is to become visible together. */
export interface Release {
  readonly dir: string;
  /** The root in force. */
  readonly root: Uint8Array;
  readonly online: OnlineKeys;
  readonly now: Instant;
  /** What is in force, and counts as seen: a release may not look like a step back to anyone. */
  readonly before?: { readonly timestamp: Uint8Array; readonly snapshot: Uint8Array } | undefined;
  readonly targets: { readonly version: number; readonly bytes: Uint8Array };
  /** Targets to be written, by their path under `targets/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface Released {
  readonly targets: number;
  readonly snapshot: number;
  readonly timestamp: number;
}

/**
 * Signs snapshot and timestamp for it, lets our own client judge the whole, and only then writes: files first, timestamp
 * last, so that a reader at any instant sees a whole. Call it under the lock.
 * @throws TrustError for what no client would take; nothing has become visible then
 */
export async function publish(release: Release): Promise<Released> {
  const { dir, root, online, now, before, targets, files } = release;
  const set = new TrustedSet(root);
  const old = before && { timestamp: set.knowTimestamp(before.timestamp), snapshot: set.knowSnapshot(before.snapshot) };
  const version = { snapshot: (old?.snapshot.version ?? 0) + 1, timestamp: (old?.timestamp.version ?? 0) + 1 };
  const meta = {
    ...Object.fromEntries([...(old?.snapshot.meta ?? [])].map(([name, known]) => [name, metaJson(known)])),
    "targets.json": { version: targets.version, ...describeBytes(targets.bytes) },
  };
  const snapshot = fileOf(await signed({ ...header("snapshot", version.snapshot, now), meta }, [online.snapshot]));
  const timestamp = await timestampFor(version.timestamp, version.snapshot, snapshot, online, now);

  set.finishRoot(now);
  set.updateTimestamp(timestamp);
  set.updateSnapshot(snapshot);
  set.updateTargets(targets.bytes);

  const first = set.root.version === 1 && before === undefined ? [["1.root.json", root] as const] : [];
  const order = [
    ...[...files].map(([path, bytes]) => [join("targets", path), bytes] as const),
    [`${targets.version}.targets.json`, targets.bytes] as const,
    [`${version.snapshot}.snapshot.json`, snapshot] as const,
    ...first,
    ["timestamp.json", timestamp] as const,
  ];
  for (const [name, bytes] of order) await write(join(dir, name), bytes);
  return { targets: targets.version, ...version };
}

/**
 * Signs the timestamp anew, as the server does every hour, and the snapshot when half of its time is over.
 * @throws TrustError, PublishError
 */
export async function resignTimestamp({ dir, keysDir, clock }: Repository): Promise<Released> {
  return exclusively(dir, async () => {
    const online = await onlineKeys(keysDir, "refuse");
    const now = clock.now();
    const { set, timestamp, snapshot, targets } = await readRoles({ repo: dir, clock });
    const files = bytesOf(set);
    if (snapshot.expires - now < lifetimeMs.snapshot / 2)
      return publish({
        dir,
        root: files.root,
        online,
        now,
        before: files,
        targets: { version: targets.version, bytes: files.targets },
        files: new Map(),
      });
    const version = timestamp.version + 1;
    const bytes = await timestampFor(version, snapshot.version, files.snapshot, online, now);
    const judge = new TrustedSet(files.root);
    judge.knowTimestamp(files.timestamp);
    judge.finishRoot(now);
    judge.updateTimestamp(bytes);
    judge.updateSnapshot(files.snapshot);
    await write(join(dir, "timestamp.json"), bytes);
    return { targets: targets.version, snapshot: snapshot.version, timestamp: version };
  });
}

/** The bytes of all four roles. */
export function bytesOf({ files }: TrustedSet): Readonly<Record<TopRole, Uint8Array>> {
  const bytes = (name: TopRole): Uint8Array => files.get(name) ?? new Uint8Array();
  return { root: bytes("root"), timestamp: bytes("timestamp"), snapshot: bytes("snapshot"), targets: bytes("targets") };
}

/** One writer at a time. */
export function exclusively<T>(dir: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(dir, ".lock"), 30_000, work);
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function timestampFor(
  version: number,
  snapshotVersion: number,
  snapshot: Uint8Array,
  online: OnlineKeys,
  now: Instant,
): Promise<Buffer> {
  const meta = { "snapshot.json": { version: snapshotVersion, ...describeBytes(snapshot) } };
  return fileOf(await signed({ ...header("timestamp", version, now), meta }, [online.timestamp]));
}

function metaJson({ version, length, hashes }: FileMeta): object {
  return { version, length, hashes: hashes && Object.fromEntries(hashes) };
}

/** Readable by the web server, whoever that runs as. */
async function write(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  await writeAtomic(file, bytes, 0o644);
}
