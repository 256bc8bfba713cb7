import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#lib/clock.ts";
import type { TopRole } from "#trust/metadata.ts";
import type { TrustedSet } from "#trust/trusted-set.ts";
import { firstRoot, readRoles } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { exclusively, writeAll } from "#publish/journal.ts";
import { judge } from "#publish/judge.ts";
import { fileOf, lifetimeMs, signed } from "#publish/metadata.ts";
import { firstRootJson, firstTargetsJson, requireThreshold } from "#publish/propose-root.ts";
import { publish, signTimestamp, type Released } from "#publish/release.ts";
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
  /** How many of them are needed; 1 where it is not given. */
  readonly threshold?: number;
  /** The same for targets, where it is another number. */
  readonly targetsThreshold?: number | undefined;
}

/**
 * A new repository where all private keys are on one machine, whole at once: root, an empty targets file, snapshot and
 * timestamp; the online keys are made. On several machines it is `proposeRepository` and `publishProposal`.
 * @returns the root, which devices are installed with
 * @throws PublishError EXISTS where there is one already
 */
export async function initRepository(options: NewRepository): Promise<{ readonly root: Uint8Array }> {
  const { dir, keysDir, clock, key, rootSigners = [key], targetsSigners = [key], threshold = 1 } = options;
  const keys = {
    rootKeys: rootSigners.map((signer) => signer.key),
    targetsKeys: targetsSigners.map((signer) => signer.key),
    threshold,
    targetsThreshold: options.targetsThreshold,
  };
  const now = clock.now();
  requireThreshold(keys);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return exclusively(dir, async () => {
    if (await hasRepository(dir)) throw new PublishError("EXISTS", `${dir} holds a repository already`);
    const root = fileOf(await signed(await firstRootJson({ ...keys, keysDir, now }), rootSigners));
    const bytes = fileOf(await signed(firstTargetsJson(now), targetsSigners));
    await publish({ dir, keysDir, root, targets: { version: 1, bytes }, now, files: new Map() });
    return { root };
  });
}

const hourMs = 3_600_000;

/**
 * Signs the timestamp anew, as the server does every hour, and the snapshot shortly before half of its time is over.
 * @throws TrustError, PublishError
 */
export async function resignTimestamp({ dir, keysDir, clock }: Repository): Promise<Released> {
  return exclusively(dir, async () => {
    const now = clock.now();
    const { set, timestamp, snapshot, targets } = await readRoles({ repo: dir, clock });
    const seen = bytesOf(set);
    if (snapshot.expires - now < lifetimeMs.snapshot / 2 + 12 * hourMs)
      return publish({
        dir,
        keysDir,
        root: seen.root,
        now,
        before: seen,
        targets: { version: targets.version, bytes: seen.targets },
        files: new Map(),
      });
    const version = { snapshot: snapshot.version, timestamp: timestamp.version + 1 };
    const bytes = await signTimestamp({ version, snapshot: seen.snapshot, now, keysDir, root: set.root });
    const files = new Map([["timestamp.json", bytes]]);
    await judge({ dir, files, bootstrap: await firstRoot(dir), seen, now });
    await writeAll(dir, [], [...files]);
    return { targets: targets.version, ...version };
  });
}

/** The bytes of all four roles. */
export function bytesOf({ files }: TrustedSet): Readonly<Record<TopRole, Uint8Array>> {
  const bytes = (name: TopRole): Uint8Array => files.get(name) ?? new Uint8Array();
  return { root: bytes("root"), timestamp: bytes("timestamp"), snapshot: bytes("snapshot"), targets: bytes("targets") };
}

export async function hasRepository(dir: string): Promise<boolean> {
  return stat(join(dir, "1.root.json")).then(
    () => true,
    () => false,
  );
}
