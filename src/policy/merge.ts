import { whole, type Pieces } from "#lib/pure/pieces.ts";
import { policyBounds, type Disabled, type Policy } from "#policy/ban.ts";
import { leftOut, type Conflict } from "#policy/conflict.ts";
import type { Grant } from "#policy/granted.ts";
import type { GroupPolicy } from "#policy/group.ts";
import type { Membership } from "#policy/members.ts";
import { exceptionsOf } from "#policy/merge-grants.ts";
import { addedBy, groundInPieces } from "#policy/merge-group.ts";
import type { Catalog } from "#policy/tool.ts";

/** What is merged: the base policy, those of the device's groups by the group's name, and what the server granted. */
export interface Parts {
  readonly base: Policy;
  readonly catalog: Catalog;
  readonly groups: ReadonlyMap<string, GroupPolicy>;
  readonly grants: readonly Grant[];
}

/** Whose policy it will be. */
export interface Whom extends Membership {
  readonly id: string;
  /** Sha256 over the id, as the server's exceptions name it. */
  readonly hash: string;
}

export interface Merged {
  readonly policy: Policy;
  /** What was signed and does not count here, or not as it was written. */
  readonly conflicts: readonly Conflict[];
}

/**
 * One policy of several that different people sign. A group's bans stand beside the base's, loosen none and approve nothing; the
 * server's exceptions loosen what their bans allow, for as long as those allow it. Pure and without a clock: a grant from the future
 * waits for its time in `decide`. The order of the groups does not matter, and the base alone stays what it is.
 */
export function merge(parts: Parts, whom: Whom): Merged {
  return whole(mergeInPieces(parts, whom));
}

/** The same with a place after each group. */
export function* mergeInPieces({ base, catalog, groups, grants }: Parts, whom: Whom): Pieces<Merged> {
  const added = yield* withGroups(base, catalog, groups);
  const granted = exceptionsOf(grants, added.policy.bans, whom);
  const exceptions = [...base.exceptions, ...granted.exceptions];
  return {
    policy: granted.exceptions.length === 0 ? added.policy : { ...added.policy, exceptions },
    conflicts: [...unvouched(base, whom), ...added.conflicts, ...granted.conflicts],
  };
}

function* withGroups(base: Policy, catalog: Catalog, groups: Parts["groups"]): Pieces<Merged> {
  if (groups.size === 0) return { policy: base, conflicts: [] };
  const ground = yield* groundInPieces(base, catalog);
  const policy = {
    bans: [...base.bans],
    tools: [...base.tools],
    disabled: [...base.disabled],
    ignored: [...base.ignored],
  };
  const conflicts: Conflict[] = [];
  for (const [name, group] of inOrder(groups)) {
    yield;
    const added = addedBy(name, group, ground);
    if (policy.bans.length + added.bans.length > policyBounds.bans) {
      conflicts.push(leftOut(`group ${name}`, `with it there would be more than ${policyBounds.bans} bans`));
      continue;
    }
    const at = (part: Disabled): string => `groups/${name}/policy.json: ${part.path}`;
    for (const ban of added.bans) policy.bans.push(ban);
    for (const tool of added.tools) policy.tools.push(tool);
    for (const part of group.disabled) policy.disabled.push({ ...part, path: at(part) });
    for (const part of group.ignored) policy.ignored.push({ ...part, path: at(part) });
    for (const conflict of added.conflicts) conflicts.push(conflict);
  }
  return { policy: { ...base, ...policy }, conflicts };
}

/** By name, so that it is the same on every device in which order ever they came. */
export function inOrder<T>(groups: ReadonlyMap<string, T>): readonly (readonly [name: string, group: T])[] {
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Exceptions of the base for a group that this device only claims to be in: `decide` does not count them, and this says so. */
function unvouched({ exceptions }: Policy, { claimed }: Membership): readonly Conflict[] {
  return exceptions.flatMap(({ ban, group }): Conflict[] => {
    if (group === undefined || !claimed.includes(group)) return [];
    const why = `for the group ${group} does not count here: only this device's own configuration says that it is in that group`;
    return [{ part: "base", what: "exception", id: ban, why }];
  });
}
