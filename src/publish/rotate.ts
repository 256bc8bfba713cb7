import type { Instant } from "#lib/pure/instant.ts";
import type { DelegatedRole, Delegations, PublicKey, Role, Root } from "#trust/metadata.ts";
import { delegationOf, rootAuthority, satisfies } from "#publish/authority.ts";
import { publicKeyOf, rootJson, targetsJson } from "#publish/content.ts";
import type { Current } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { header } from "#publish/metadata.ts";
import { exceptionsRole } from "#publish/names.ts";
import { proposalOf, type Proposal } from "#publish/proposal-file.ts";
import { keyidOf, type PublicKeyJson } from "#publish/signer.ts";
import { mostVersion } from "#publish/versions.ts";

/** What becomes of one role's keys. */
export interface KeyChange {
  readonly add: readonly PublicKeyJson[];
  /** Key ids, or the beginnings of them. */
  readonly remove: readonly string[];
  /** As it was, where it is not given. */
  readonly threshold?: number | undefined;
}

export interface Rotation {
  readonly current: Current;
  readonly now: Instant;
  /** By role: of root, targets and departments what changes, of the server's own roles the key that comes in their place. */
  readonly changes: ReadonlyMap<string, KeyChange>;
  /** The version to follow one that was pushed up by a fast-forward attack; undefined where none can be told from here. */
  readonly begin: (role: string, version: number) => Promise<number | undefined>;
}

/**
 * Other keys for any roles: a root, targets with another delegation, or both. What the present keys have signed and the new
 * ones would not vouch for is in it as well, with the same content, to be signed anew: so both become visible together.
 * @throws PublishError KEY
 */
export async function proposeRotation(rotation: Rotation): Promise<Proposal> {
  const { current, now, changes } = rotation;
  const { root, delegations } = changedKeys(current, changes);
  const signed: Record<string, Record<string, unknown>> = {};
  if (root !== undefined) signed["root"] = { ...header("root", current.set.root.version + 1, now), ...rootJson(root) };

  const top = root === undefined ? undefined : { ...current.set.root, ...root };
  const kept = top === undefined || satisfies(current.targets, rootAuthority("", top, "targets"));
  if (delegations !== undefined || !kept) {
    const { targets } = current.targets;
    const content = targetsJson({ targets, delegations: delegations ?? current.targets.delegations });
    signed["targets"] = {
      ...header("targets", await next("targets", current.targets.version, rotation), now),
      ...content,
    };
  }
  for (const [role, group] of current.delegated) {
    const authority = delegations && delegationOf({ delegations }, role);
    if (role === exceptionsRole || authority === undefined || satisfies(group, authority)) continue;
    signed[role] = { ...header(role, await next(role, group.version, rotation), now), ...targetsJson(group) };
  }
  return proposalOf(signed);
}

async function next(role: string, version: number, { begin }: Rotation): Promise<number> {
  if (version <= mostVersion) return version + 1;
  const anew = await begin(role, version);
  if (anew !== undefined) return anew;
  throw new PublishError(
    "KEY",
    `${role} was pushed up to version ${version}: rotate snapshot and timestamp with it, where the repository lies`,
  );
}

/** The root and the delegations as they would be; undefined where they stay. */
function changedKeys(
  { set, targets }: Current,
  changes: ReadonlyMap<string, KeyChange>,
): {
  readonly root: Pick<Root, "consistentSnapshot" | "keys" | "roles"> | undefined;
  readonly delegations: Delegations | undefined;
} {
  const { consistentSnapshot } = set.root;
  const keys = new Map([...set.root.keys, ...(targets.delegations?.keys ?? [])]);
  const roles = { ...set.root.roles };
  const delegated = new Map(targets.delegations?.roles);
  let [rootChanges, delegationChanges] = [false, false];
  for (const [name, change] of changes) {
    if (name === "root" || name === "targets" || name === "snapshot" || name === "timestamp") {
      roles[name] = changedRole(name, roles[name], change, keys);
      rootChanges = true;
    } else {
      const role = delegated.get(name);
      if (role === undefined)
        throw new PublishError("KEY", `nothing is delegated to ${name}: edict trust delegate ${name}`);
      delegated.set(name, { ...role, ...changedRole(name, role, change, keys) });
      delegationChanges = true;
    }
  }
  return {
    root: rootChanges ? { consistentSnapshot, keys: onlyOf(keys, Object.values(roles)), roles } : undefined,
    delegations: delegationChanges ? delegationsOf(delegated, keys) : undefined,
  };
}

export function delegationsOf(
  roles: ReadonlyMap<string, DelegatedRole>,
  keys: ReadonlyMap<string, PublicKey>,
): Delegations {
  return { keys: onlyOf(keys, [...roles.values()]), roles, succinct: undefined };
}

function onlyOf(keys: ReadonlyMap<string, PublicKey>, roles: readonly Role[]): ReadonlyMap<string, PublicKey> {
  const named = new Set(roles.flatMap(({ keyids }) => keyids));
  return new Map([...keys].filter(([id]) => named.has(id)));
}

/** Puts the new keys into `keys`. @throws PublishError KEY */
function changedRole(
  name: string,
  role: Role,
  { add, remove, threshold = role.threshold }: KeyChange,
  keys: Map<string, PublicKey>,
): Role {
  const gone = remove.map((beginning) => oneOf(name, role, beginning));
  for (const key of add) keys.set(keyidOf(key), publicKeyOf(key));
  const keyids = [...role.keyids.filter((id) => !gone.includes(id)), ...add.map(keyidOf)];
  if (new Set(keyids).size !== keyids.length) throw new PublishError("KEY", `${name} has such a key already`);
  if (threshold < 1 || threshold > keyids.length)
    throw new PublishError("KEY", `${name} would need ${threshold} signatures, and have ${keyids.length} keys`);
  return { keyids, threshold };
}

/** Eight digits at least: one has to mean it. */
function oneOf(name: string, { keyids }: Role, beginning: string): string {
  const found = keyids.filter((id) => beginning.length >= 8 && id.startsWith(beginning));
  const [id] = found;
  if (id === undefined || found.length > 1)
    throw new PublishError("KEY", `${beginning} is not one key of ${name}; these are: ${keyids.join(", ")}`);
  return id;
}
