import { policyBounds } from "#policy/ban.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { leftOut, type Conflict } from "#policy/conflict.ts";
import { parseGrants, type Grants } from "#policy/granted.ts";
import { parseGroupPolicy, type GroupPolicy } from "#policy/group.ts";
import { inOrder, merge, type Parts, type Whom } from "#policy/merge.ts";
import { catalogInPieces, policyInPieces, PolicyError, whole } from "#policy/parse.ts";
import type { Catalog } from "#policy/tool.ts";

/** Everything signed that a verdict rests on, as JSON; not parsed yet. */
export interface SignedParts {
  readonly policy: Uint8Array;
  readonly catalog: Uint8Array;
  /** Policies of this device's groups, by the group's name. */
  readonly groups: ReadonlyMap<string, Uint8Array>;
  /** What the server granted to this device and its neighbours. */
  readonly exceptions: Uint8Array | undefined;
}

/** How much there is to read. */
export function bytesOf({ policy, catalog, groups, exceptions }: SignedParts): number {
  const others = [...groups.values(), exceptions ?? new Uint8Array()];
  return others.reduce((sum, { length }) => sum + length, policy.length + catalog.length);
}

/** A policy that can be decided by, and what of its parts does not count. */
export interface Ready {
  readonly matcher: Matcher;
  readonly catalog: Catalog;
  readonly conflicts: readonly Conflict[];
}

/**
 * The policy in force, from its signed parts. A part of a group's or of the server's that cannot be used is left out and named; the
 * base is never held up by it (law 7). The same parts are the same policy, in whichever process.
 * @throws PolicyError where the base policy or the catalog cannot be used
 */
export function makeReady(signed: SignedParts, whom: Whom): Ready {
  return whole(readyInPieces(signed, whom));
}

/** The same with places between its pieces, as `whole` says; the compiler is one. @throws PolicyError as `makeReady` */
export function* readyInPieces(signed: SignedParts, whom: Whom): Generator<undefined, Ready, undefined> {
  const base = yield* policyInPieces(signed.policy, { newer: "tolerate" });
  yield;
  const catalog = yield* catalogInPieces(signed.catalog);
  yield;
  const refused: Conflict[] = [];
  const groups = groupsOf(signed, refused);
  const { exceptions: grants, ignored } = grantsOf(signed, refused);
  yield;
  const told = ignored.map((part) => ({ ...part, path: `the server's exceptions: ${part.path}` }));
  const parts = {
    base: told.length === 0 ? base : { ...base, ignored: [...base.ignored, ...told] },
    catalog,
    groups,
    grants,
  };
  const { matcher, conflicts } = compiled(parts, whom);
  return { matcher, catalog, conflicts: [...refused, ...conflicts] };
}

function groupsOf({ policy, groups }: SignedParts, refused: Conflict[]): ReadonlyMap<string, GroupPolicy> {
  const found = new Map<string, GroupPolicy>();
  let total = policy.length;
  for (const [name, bytes] of inOrder(groups)) {
    if (total + bytes.length > policyBounds.policy) {
      refused.push(leftOut(`group ${name}`, `with it there would be more than ${policyBounds.policy} bytes`));
      continue;
    }
    const group = used(`group ${name}`, refused, () => parseGroupPolicy(bytes, name, { newer: "tolerate" }));
    if (group === undefined) continue;
    found.set(name, group);
    total += bytes.length;
  }
  return found;
}

function grantsOf({ exceptions }: SignedParts, refused: Conflict[]): Grants {
  const none: Grants = { exceptions: [], ignored: [] };
  if (exceptions === undefined) return none;
  return used("exceptions", refused, () => parseGrants(exceptions, { newer: "tolerate" })) ?? none;
}

/** What the part says, or nothing and why not. */
function used<T>(part: Conflict["part"], refused: Conflict[], parse: () => T): T | undefined {
  const read = triedTo(parse);
  if (!(read instanceof PolicyError)) return read;
  refused.push(leftOut(part, read.message));
  return undefined;
}

/** All together; where that is past a bound, the groups by name as far as there is room for them. @throws PolicyError */
function compiled(parts: Parts, whom: Whom): Omit<Ready, "catalog"> {
  const together = (groups: Parts["groups"]): Omit<Ready, "catalog"> => {
    const { policy, conflicts } = merge({ ...parts, groups }, whom);
    return { matcher: compile(policy, parts.catalog), conflicts };
  };
  if (parts.groups.size === 0) return together(parts.groups);
  const all = triedTo(() => together(parts.groups));
  if (!(all instanceof PolicyError)) return all;
  let room: Parts["groups"] = new Map();
  let best = together(room);
  const refused: Conflict[] = [];
  for (const [name, group] of inOrder(parts.groups)) {
    const more = new Map([...room, [name, group]]);
    const next = triedTo(() => together(more));
    if (next instanceof PolicyError) refused.push(leftOut(`group ${name}`, next.message));
    else [room, best] = [more, next];
  }
  return { ...best, conflicts: [...refused, ...best.conflicts] };
}

function triedTo<T>(act: () => T): T | PolicyError {
  try {
    return act();
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}
