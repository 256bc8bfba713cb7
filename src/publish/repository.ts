import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { Snapshot, TopRole } from "#trust/metadata.ts";
import type { TrustedSet } from "#trust/trusted-set.ts";
import { delegationOf } from "#publish/authority.ts";
import { firstRoot, readRoles, type Roles } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { signExceptions } from "#publish/exceptions-role.ts";
import { changing, exclusively, writeAll } from "#publish/journal.ts";
import { judge } from "#publish/judge.ts";
import { fileOf, lifetimeMs, signed, type Versioned } from "#publish/metadata.ts";
import { exceptionsRole } from "#publish/names.ts";
import { prune } from "#publish/prune.ts";
import { firstRootJson, firstTargetsJson, requireThreshold } from "#publish/propose-root.ts";
import { publish, signTimestamp, type Released } from "#publish/release.ts";
import type { Signer } from "#publish/signer.ts";
import { following } from "#publish/versions.ts";

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

/**
 * What the server signs by itself and has little time left: half of its life, and half a day before that, so that nobody who
 * watches for the half is woken.
 */
function isDue(role: "snapshot" | "exceptions", expires: Instant, now: Instant): boolean {
  return expires - now < lifetimeMs[role] / 2 + 12 * 3_600_000;
}

export interface Resigned extends Released {
  /** What could not be renewed, and is no reason to let devices call the rest stale. */
  readonly problem?: string;
}

/**
 * Signs the timestamp anew, as the server does every hour, and snapshot and exceptions shortly before half of their time is over;
 * then removes what no device asks for any more.
 * @throws TrustError, PublishError
 */
export async function resignTimestamp({
  dir,
  keysDir,
  clock,
  dryRun = false,
}: Repository & { readonly dryRun?: boolean }): Promise<Resigned> {
  const sign = async (roles: Roles, now: Instant): Promise<Resigned> => {
    const { set, timestamp, snapshot, targets } = roles;
    const seen = bytesOf(set);
    const { exceptions, problem } = await renewedExceptions(roles, { dir, keysDir, now });
    const told = problem === undefined ? {} : { problem };
    if (exceptions !== undefined || isDue("snapshot", snapshot.expires, now)) {
      const released = await publish({
        dir,
        keysDir,
        root: seen.root,
        now,
        before: seen,
        targets: { version: targets.version, bytes: seen.targets },
        ...(exceptions !== undefined && { delegated: new Map([[exceptionsRole, exceptions]]) }),
        files: new Map(),
        dryRun,
      });
      return { ...released, ...told };
    }
    const version = { snapshot: snapshot.version, timestamp: following("timestamp", timestamp.version) };
    const bytes = await signTimestamp({ version, snapshot: seen.snapshot, now, keysDir, root: set.root });
    const files = new Map([["timestamp.json", bytes]]);
    await judge({ dir, files, bootstrap: await firstRoot(dir), seen, now });
    if (!dryRun) await writeAll(dir, [], [...files]);
    return { targets: targets.version, ...version, ...told };
  };
  return changing(dir, dryRun, async () => {
    const now = clock.now();
    const roles = await readRoles({ repo: dir, clock });
    const resigned = await sign(roles, now);
    const stuck = dryRun ? undefined : await pruned(dir, roles.snapshot, now);
    const problems = [resigned.problem, stuck].filter((one) => one !== undefined);
    return problems.length === 0 ? resigned : { ...resigned, problem: problems.join("; ") };
  });
}

/** Prunes, and says why it could not. */
async function pruned(dir: string, inForce: Snapshot, now: Instant): Promise<string | undefined> {
  try {
    await prune(dir, inForce, now);
    return undefined;
  } catch (error) {
    return `old files cannot be removed: ${describe(error)}`;
  }
}

/** The exceptions, where they are due and the server may sign them. */
async function renewedExceptions(
  roles: Roles,
  where: { readonly dir: string; readonly keysDir: string; readonly now: Instant },
): Promise<{ readonly exceptions?: Versioned; readonly problem?: string }> {
  const [before, authority] = [roles.delegated.get(exceptionsRole), delegationOf(roles.targets, exceptionsRole)];
  if (before === undefined || authority === undefined || !isDue("exceptions", before.expires, where.now)) return {};
  try {
    return { exceptions: await signExceptions(before.targets, authority, roles, false, where) };
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    return { problem: `the exceptions cannot be renewed: ${describe(error)}` };
  }
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
