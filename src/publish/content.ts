import { canonicalJson } from "#trust/canonical.ts";
import {
  parseRoot,
  parseTargets,
  topRoles,
  type Delegations,
  type FileMeta,
  type PublicKey,
  type Role,
  type Root,
  type TargetFile,
  type Targets,
} from "#trust/metadata.ts";
import { keysOf } from "#trust/trusted-set.ts";
import { PublishError } from "#publish/error.ts";
import { fileOf, type SignedFile } from "#publish/metadata.ts";
import { keyidOf, type PublicKeyJson } from "#publish/signer.ts";

// What roles say, as JSON again: what is written is what `trust/metadata.ts` reads, member by member. What is read and
// written again and is not the same holds something that nobody here could show to a signer, and is refused.

/** What a root says besides its header. */
export type RootContent = Pick<Root, "consistentSnapshot" | "keys" | "roles">;
/** What a targets role says besides its header. */
export type TargetsContent = Pick<Targets, "targets" | "delegations">;

export function rootJson({ consistentSnapshot, keys, roles }: RootContent): Record<string, unknown> {
  return {
    consistent_snapshot: consistentSnapshot,
    keys: keysJson(keys),
    roles: Object.fromEntries(topRoles.map((name) => [name, roleJson(roles[name])])),
  };
}

export function targetsJson({ targets, delegations }: TargetsContent): Record<string, unknown> {
  return {
    targets: Object.fromEntries([...targets].map(([path, target]) => [path, targetJson(target)])),
    ...(delegations !== undefined && { delegations: delegationsJson(delegations) }),
  };
}

export function metaJson({ version, length, hashes }: FileMeta): object {
  return {
    version,
    ...(length !== undefined && { length }),
    ...(hashes !== undefined && { hashes: Object.fromEntries(hashes) }),
  };
}

export function publicKeyJson({ keytype, scheme, public: text }: PublicKey): PublicKeyJson {
  return { keytype, scheme, keyval: { public: text ?? "" } };
}

export function publicKeyOf({ keytype, scheme, keyval }: PublicKeyJson): PublicKey {
  return { keytype, scheme, public: keyval.public };
}

function targetJson({ length, hashes }: TargetFile): object {
  return { length, hashes: Object.fromEntries(hashes) };
}

function keysJson(keys: ReadonlyMap<string, PublicKey>): object {
  return Object.fromEntries([...keys].map(([id, key]) => [id, publicKeyJson(key)]));
}

function roleJson({ keyids, threshold }: Role): object {
  return { keyids, threshold };
}

function delegationsJson({ keys, roles }: Delegations): object {
  return {
    keys: keysJson(keys),
    roles: [...roles.values()].map(({ name, paths, terminating, ...role }) => ({
      name,
      ...roleJson(role),
      ...(paths !== undefined && { paths }),
      terminating,
    })),
  };
}

/** @throws TrustError FORMAT; PublishError PROPOSAL where it holds more than can be shown */
export function readRoot(file: SignedFile): Root {
  const root = parseRoot(fileOf(file));
  sayAll("root", root.signed, rootJson(root), root.keys);
  return root;
}

/** @throws TrustError FORMAT; PublishError PROPOSAL where it holds more than can be shown */
export function readTargets(role: string, file: SignedFile): Targets {
  const targets = parseTargets(fileOf(file), role);
  sayAll(role, targets.signed, targetsJson(targets), targets.delegations?.keys);
  return targets;
}

const headerMembers = ["_type", "spec_version", "version", "expires"];

function sayAll(
  role: string,
  signed: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, unknown>>,
  keys: ReadonlyMap<string, PublicKey> = new Map(),
): void {
  const content = Object.fromEntries(Object.entries(signed).filter(([name]) => !headerMembers.includes(name)));
  if (Buffer.compare(canonicalJson(content), canonicalJson(known)) !== 0)
    throw new PublishError("PROPOSAL", `${role} says more than this program knows, so that nobody could be shown it`);
  for (const [id, key] of keys)
    if (keyidOf(publicKeyJson(key)) !== id)
      throw new PublishError("PROPOSAL", `${role} lists a key under another's id: ${id}`);
  if (keysOf({ keyids: [...keys.keys()], threshold: 1 }, keys).size !== keys.size)
    throw new PublishError("PROPOSAL", `${role} lists one key twice, or one that no signature can be verified with`);
}
