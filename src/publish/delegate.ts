import type { Instant } from "#lib/pure/instant.ts";
import type { DelegatedRole, PublicKey, Targets } from "#trust/metadata.ts";
import { publicKeyOf, rootJson, targetsJson } from "#publish/content.ts";
import type { Current } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { identityOf } from "#publish/keys.ts";
import { header } from "#publish/metadata.ts";
import { exceptionsRole, pathsOf } from "#publish/names.ts";
import { proposalOf, type Proposal } from "#publish/proposal-file.ts";
import { versionOf } from "#publish/propose-policy.ts";
import { delegationsOf } from "#publish/rotate.ts";
import { keyidOf, type PublicKeyJson } from "#publish/signer.ts";

export interface NewDelegation {
  /** "group-NAME" or "exceptions". */
  readonly role: string;
  readonly keys: readonly PublicKeyJson[];
  readonly threshold: number;
}

/**
 * Targets that let others sign: a department its own bans, or the server the exceptions. What they have to say comes later.
 * @throws PublishError KEY, EXISTS
 */
export function proposeDelegation({ role, keys, threshold }: NewDelegation, current: Current, now: Instant): Proposal {
  const paths = pathsOf(role);
  if (paths === undefined)
    throw new PublishError(
      "KEY",
      `nothing is delegated to ${role}: a department's role is group-NAME, the server's ${exceptionsRole}`,
    );
  const before = current.targets.delegations;
  if (before?.roles.has(role) === true)
    throw new PublishError("EXISTS", `${role} is there already: edict trust rotate ${role} changes its keys`);
  if (new Set(keys.map(identityOf)).size < keys.length)
    throw new PublishError("KEY", "one key is there twice: it would count once");
  if (threshold < 1 || threshold > keys.length)
    throw new PublishError("KEY", `${threshold} signatures are asked for, and there are ${keys.length} keys`);
  const keyids = keys.map(keyidOf);
  const added: DelegatedRole = { name: role, keyids, threshold, paths, pathHashPrefixes: undefined, terminating: true };
  const known = new Map([
    ...(before?.keys ?? []),
    ...keys.map((key): [string, PublicKey] => [keyidOf(key), publicKeyOf(key)]),
  ]);
  const targets = delegating(new Map([...(before?.roles ?? []), [role, added]]), known, current, now);
  // A department that comes again: what its former keys had signed must not stand in the way of the new ones.
  const version = versionOf(role, current);
  if (version === 0 || role === exceptionsRole) return proposalOf({ targets });
  const empty = { ...header(role, version + 1, now), ...targetsJson({ targets: new Map(), delegations: undefined }) };
  return proposalOf({ targets, [role]: empty });
}

/** Targets without this delegation: what it had signed counts no longer. @throws PublishError KEY */
export function proposeRemoval(role: string, current: Current, now: Instant): Proposal {
  const roles = new Map(current.targets.delegations?.roles);
  if (!roles.delete(role)) throw new PublishError("KEY", `nothing is delegated to ${role}`);
  return proposalOf({ targets: delegating(roles, current.targets.delegations?.keys ?? new Map(), current, now) });
}

function delegating(
  roles: ReadonlyMap<string, DelegatedRole>,
  keys: ReadonlyMap<string, PublicKey>,
  { targets: { version, targets } }: Current,
  now: Instant,
): Record<string, unknown> {
  return {
    ...header("targets", version + 1, now),
    ...targetsJson({ targets, delegations: delegationsOf(roles, keys) }),
  };
}

/** The same content for another lifetime, of one role or of several together. @throws PublishError KEY for a role that nobody signs by hand */
export function proposeRenewal(roles: readonly string[], current: Current, now: Instant): Proposal {
  return proposalOf(Object.fromEntries(roles.map((role) => [role, renewed(role, current, now)])));
}

function renewed(role: string, { set: { root }, targets, delegated }: Current, now: Instant): Record<string, unknown> {
  if (role === "root") return { ...header(role, root.version + 1, now), ...rootJson(root) };
  const known: Targets | undefined = role === "targets" ? targets : delegated.get(role);
  if (known === undefined || role === exceptionsRole)
    throw new PublishError("KEY", `${role} is no role that people sign here`);
  return { ...header(role, known.version + 1, now), ...targetsJson(known) };
}
