import { mkdir } from "node:fs/promises";
import type { Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { parseTargets } from "#trust/metadata.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { targetName } from "#trust/updater.ts";
import { delegationOf, makesForget, mayStillSign, rootAuthority, type Authority } from "#publish/authority.ts";
import { contentsAfter, requireUsable } from "#publish/contents.ts";
import { readRepository, type RepositoryAddress } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { examine, requireLife, requireNext, requireSignatures, type Base, type Examined } from "#publish/examine.ts";
import { exceptionsAfter } from "#publish/exceptions-role.ts";
import { changing, exclusively } from "#publish/journal.ts";
import { fileOf, type Versioned } from "#publish/metadata.ts";
import { exceptionsRole, groupOf } from "#publish/names.ts";
import { retireOnlineKeys } from "#publish/online-keys.ts";
import { addSignature, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { proposePolicy } from "#publish/propose-policy.ts";
import { publish, type Release, type Released } from "#publish/release.ts";
import { bytesOf, hasRepository, type Repository } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";
import { newestSigned } from "#publish/versions.ts";

export interface SignOptions extends RepositoryAddress {
  /** JSON, as it will be enforced. */
  readonly policy: Uint8Array;
  readonly catalog: Uint8Array;
  readonly key: Signer;
}

/**
 * The next targets file after the one in force, with this policy and catalog, signed by this key; everything else in it stays
 * as it was.
 * @throws TrustError where the repository does not verify, SIGNATURE where this key may not sign
 */
export async function signPolicy({ policy, catalog, key, ...address }: SignOptions): Promise<Proposal> {
  const current = await readRepository(address);
  const proposal = proposePolicy({ policy, catalog }, current, address.clock.now());
  return signProposal(examine(proposal, { root: current.set.root, current }), key);
}

/**
 * This key's signature on every role of the proposal that it may sign. Whoever calls it has shown them all that it says.
 * @throws TrustError SIGNATURE where it may sign none; PublishError KEY
 */
export async function signProposal({ proposal, standing }: Examined, key: Signer): Promise<Proposal> {
  const roles = standing.filter((one) => mayStillSign(one, key.keyid)).map(({ role }) => role);
  if (roles.length === 0)
    throw new TrustError(
      "SIGNATURE",
      `key ${key.keyid.slice(0, 16)}… may not sign ${standing.map(({ role }) => role).join(" or ")} in this repository`,
      { file: standing[0]?.role ?? "proposal" },
    );
  return addSignature(proposal, roles, key);
}

export interface PublishOptions extends Repository {
  readonly proposal: Proposal;
  /** Whether it may begin a repository: only for whoever is at the machine itself, for nobody vouches for a first root. */
  readonly create?: boolean;
  /** Verifies everything and writes nothing. */
  readonly dryRun?: boolean;
}

/**
 * Takes a proposal that enough have signed, adds snapshot and timestamp, and makes it visible.
 * @throws TrustError SIGNATURE, VERSION (another was published meanwhile), MISMATCH, LIMIT …; PublishError; nothing has
 * changed then
 */
export async function publishProposal(options: PublishOptions): Promise<Released> {
  const { dir, keysDir, clock, create = false, dryRun = false } = options;
  const work = async (): Promise<Released> => {
    const now = clock.now();
    const base = await baseOf(options);
    const examined = examine(options.proposal, base);
    requireSignatures(examined);
    requireNext(examined, base);
    requireLife(examined, now);
    requireUsable(await contentsAfter(examined, base.current));
    const before = base.current && bytesOf(base.current.set);
    const { root, targets, delegated } = await bytesAfter(examined, base, { dir, keysDir, now });
    const files = named(examined, root);
    const released = await publish({ dir, keysDir, now, before, root, targets, delegated, files, dryRun });
    const keyids = examined.targets?.delegations?.roles.get(exceptionsRole)?.keyids;
    const former = base.current?.targets.delegations?.roles.get(exceptionsRole)?.keyids;
    if (!dryRun && keyids !== undefined && former !== undefined && former.join() !== keyids.join())
      await retireOnlineKeys(keysDir, exceptionsRole, keyids);
    return released;
  };
  if (!create) return changing(dir, dryRun, work);
  if (dryRun) return work();
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return exclusively(dir, work);
}

/** What is in force in a folder: whoever is at the machine may begin a repository where there is none. */
async function baseOf({ dir, clock, create = false }: PublishOptions): Promise<Base> {
  if (!create) {
    const current = await readRepository({ repo: dir, clock });
    return { root: current.set.root, current };
  }
  if (await hasRepository(dir)) throw new PublishError("EXISTS", `${dir} holds a repository already`);
  return { root: undefined, current: undefined };
}

type After = Pick<Release, "root" | "targets"> & { readonly delegated: ReadonlyMap<string, Versioned> };

/** The metadata that is in force then, as files; of delegated roles those that change. */
async function bytesAfter(
  examined: Examined,
  { root: inForce, current }: Base,
  where: { readonly dir: string; readonly keysDir: string; readonly now: Instant },
): Promise<After> {
  const { proposal, groups } = examined;
  const fileFor = (role: string): Uint8Array | undefined => {
    const file = roleIn(proposal, role);
    return file === undefined ? current?.set.files.get(role) : fileOf(file);
  };
  const root = fileFor("root");
  const forgets = makesForget(inForce, examined.root);
  const newest = async (role: string, authority: Authority): Promise<Versioned | undefined> =>
    forgets && roleIn(proposal, role) === undefined ? newestSigned(where.dir, role, authority) : undefined;

  const top = examined.targets ?? current?.targets;
  const above = examined.root ?? inForce;
  const bytes = fileFor("targets");
  if (root === undefined || bytes === undefined || top === undefined || above === undefined)
    throw new PublishError("PROPOSAL", "a repository begins with a root and targets");
  const targets = (await newest("targets", rootAuthority("", above, "targets"))) ?? { version: top.version, bytes };
  const { delegations } = parseTargets(targets.bytes);

  const delegated = new Map<string, Versioned>();
  for (const role of delegations?.roles.keys() ?? []) {
    const authority = delegationOf({ delegations }, role);
    const restored = groupOf(role) === undefined || authority === undefined ? undefined : await newest(role, authority);
    if (restored !== undefined) delegated.set(role, restored);
  }
  for (const [role, { version }] of groups) delegated.set(role, { version, bytes: fileFor(role) ?? new Uint8Array() });
  const exceptions = await exceptionsAfter({ delegations }, current, forgets, where);
  if (exceptions !== undefined) delegated.set(exceptionsRole, exceptions);
  return { root, targets, delegated };
}

/** The files by the names under which devices ask for them. */
function named({ files, targets, groups }: Examined, root: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const set = new TrustedSet(root);
  const names = new Map<string, Uint8Array>();
  for (const role of [targets, ...groups.values()])
    for (const target of role?.targets.values() ?? []) {
      const bytes = files.get(target.path);
      if (bytes !== undefined) names.set(targetName(set, target), bytes);
    }
  return names;
}
