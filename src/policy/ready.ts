import { whole, type Pieces } from "#lib/pure/pieces.ts";
import { policyBounds, type Disabled } from "#policy/ban.ts";
import { compileInPieces, type Matcher } from "#policy/compile.ts";
import { leftOut, type Conflict } from "#policy/conflict.ts";
import { parseGrants, type Grants } from "#policy/granted.ts";
import { parseGroupPolicy, type GroupPolicy } from "#policy/group.ts";
import { inOrder, mergeInPieces, type Parts, type Whom } from "#policy/merge.ts";
import { catalogInPieces, policyInPieces, PolicyError } from "#policy/parse.ts";
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

/** @throws PolicyError as `makeReady` */
export function* readyInPieces(signed: SignedParts, whom: Whom): Pieces<Ready> {
  const base = yield* policyInPieces(signed.policy, { newer: "tolerate" });
  yield;
  const catalog = yield* catalogInPieces(signed.catalog, { newer: "tolerate" });
  yield;
  const refused: Conflict[] = [];
  const groups = yield* groupsOf(signed, refused);
  const { exceptions: grants, ignored } = grantsOf(signed, refused);
  yield;
  const told = [...leftOutOf("the catalog", catalog.ignored), ...leftOutOf("the server's exceptions", ignored)];
  const parts = {
    base: told.length === 0 ? base : { ...base, ignored: [...base.ignored, ...told] },
    catalog,
    groups,
    grants,
  };
  const { matcher, conflicts } = yield* compiled(parts, whom);
  return { matcher, catalog, conflicts: [...refused, ...conflicts] };
}

function leftOutOf(part: string, ignored: readonly Disabled[]): readonly Disabled[] {
  return ignored.map((one) => ({ ...one, path: `${part}: ${one.path}` }));
}

function* groupsOf({ policy, groups }: SignedParts, refused: Conflict[]): Pieces<ReadonlyMap<string, GroupPolicy>> {
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
    yield;
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
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    refused.push(leftOut(part, error.message));
    return undefined;
  }
}

type Together = Omit<Ready, "catalog">;

/** All together; where that is past a bound, the groups by name as far as there is room for them. @throws PolicyError */
function* compiled(parts: Parts, whom: Whom): Pieces<Together> {
  if (parts.groups.size === 0) return yield* together(parts, parts.groups, whom);
  const all = yield* triedTo(together(parts, parts.groups, whom));
  if (!(all instanceof PolicyError)) return all;
  let room: Parts["groups"] = new Map();
  let best = yield* together(parts, room, whom);
  const refused: Conflict[] = [];
  for (const [name, group] of inOrder(parts.groups)) {
    const more = new Map([...room, [name, group]]);
    const next = yield* triedTo(together(parts, more, whom));
    if (next instanceof PolicyError) refused.push(leftOut(`group ${name}`, next.message));
    else [room, best] = [more, next];
  }
  return { ...best, conflicts: [...refused, ...best.conflicts] };
}

function* together(parts: Parts, groups: Parts["groups"], whom: Whom): Pieces<Together> {
  const { policy, conflicts } = yield* mergeInPieces({ ...parts, groups }, whom);
  return { matcher: yield* compileInPieces(policy, parts.catalog), conflicts };
}

function* triedTo<T>(pieces: Pieces<T>): Pieces<T | PolicyError> {
  try {
    return yield* pieces;
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}
