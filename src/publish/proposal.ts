import { mkdir } from "node:fs/promises";
import { TrustError } from "#trust/error.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { targetName } from "#trust/updater.ts";
import { mayStillSign } from "#publish/authority.ts";
import { contentsAfter, requireUsable } from "#publish/contents.ts";
import { readRepository, type RepositoryAddress } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { examine, requireLife, requireNext, requireSignatures, type Base, type Examined } from "#publish/examine.ts";
import { exclusively } from "#publish/journal.ts";
import { fileOf } from "#publish/metadata.ts";
import { addSignature, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { proposePolicy } from "#publish/propose-policy.ts";
import { publish, type Release, type Released, type Versioned } from "#publish/release.ts";
import { bytesOf, hasRepository, type Repository } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";

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
    const { root, targets, delegated } = bytesAfter(examined, base);
    return publish({ dir, keysDir, now, before, root, targets, delegated, files: named(examined, root), dryRun });
  };
  if (dryRun) return work();
  if (create) await mkdir(dir, { recursive: true, mode: 0o755 });
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

/** The metadata that is in force then, as files; of delegated roles those that change. */
function bytesAfter(
  { proposal, targets, groups }: Examined,
  { current }: Base,
): Pick<Release, "root" | "targets"> & { readonly delegated: ReadonlyMap<string, Versioned> } {
  const fileFor = (role: string): Uint8Array | undefined => {
    const file = roleIn(proposal, role);
    return file === undefined ? current?.set.files.get(role) : fileOf(file);
  };
  const [rootBytes, targetsBytes, top] = [fileFor("root"), fileFor("targets"), targets ?? current?.targets];
  if (rootBytes === undefined || targetsBytes === undefined || top === undefined)
    throw new PublishError("PROPOSAL", "a repository begins with a root and targets");
  const delegated = new Map<string, Versioned>();
  for (const [role, { version }] of groups) delegated.set(role, { version, bytes: fileFor(role) ?? new Uint8Array() });
  return { root: rootBytes, targets: { version: top.version, bytes: targetsBytes }, delegated };
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
