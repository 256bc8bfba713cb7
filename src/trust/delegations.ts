import { matchName } from "#lib/pure/glob.ts";
import { maxDelegations } from "#trust/limits.ts";
import type { DelegatedRole, Role, SuccinctRoles, TargetFile, Targets } from "#trust/metadata.ts";
import { sha256 } from "#trust/sha256.ts";

// Who may say something of a path: TUF 1.0 sections 4.5 and 5.6.7, and TAP 15. Pure: metadata is asked for, never fetched.

/** Metadata of `role`, held to what its trusted `parent` says of it; undefined where the repository has none. */
export type Ask = (role: string, parent: string) => Promise<Targets | undefined>;

export interface Found {
  readonly file: TargetFile;
  /** Who said so: "targets", or a delegated role. */
  readonly role: string;
}

/**
 * 5.6.7: pre-order, depth first, in the order in which roles are listed; the first that knows the path is right. A role is
 * visited once, however it is reached. Where a role's metadata cannot be had, the search is over: whoever comes after it
 * must not answer in its place.
 * @throws what `ask` throws
 */
export async function findTarget(path: string, top: Targets, ask: Ask): Promise<Found | undefined> {
  const visited = new Set<string>();
  const waiting: { readonly role: string; readonly parent: string | undefined }[] = [
    { role: "targets", parent: undefined },
  ];
  while (visited.size <= maxDelegations) {
    const next = waiting.pop();
    if (next === undefined) return undefined;
    if (visited.has(next.role)) continue; // 5.6.7.1
    visited.add(next.role);
    const targets = next.parent === undefined ? top : await ask(next.role, next.parent);
    if (targets === undefined) return undefined;
    const file = targets.targets.get(path);
    if (file !== undefined) return { file, role: next.role };
    const { roles, terminated } = delegatesFor(targets, path);
    if (terminated) waiting.length = 0; // 5.6.7.2.1
    for (const role of roles.toReversed()) waiting.push({ role, parent: next.role });
  }
  return undefined;
}

/** The roles to ask about a path, in order, up to the first that lets nobody after it be asked. */
export function delegatesFor(
  { delegations }: Targets,
  path: string,
): { readonly roles: readonly string[]; readonly terminated: boolean } {
  if (delegations === undefined) return { roles: [], terminated: false };
  if (delegations.succinct !== undefined) return { roles: [binOf(delegations.succinct, path)], terminated: true };
  const roles: string[] = [];
  const hash = sha256(path);
  for (const role of delegations.roles.values()) {
    if (!covers(role, path, hash)) continue;
    roles.push(role.name);
    if (role.terminating) return { roles, terminated: true };
  }
  return { roles, terminated: false };
}

/** The keys and the threshold that a role gives to another; undefined where it delegates nothing to it. */
export function delegation({ delegations }: Targets, role: string): Role | undefined {
  if (delegations?.succinct === undefined) return delegations?.roles.get(role);
  return isBin(delegations.succinct, role) ? delegations.succinct : undefined;
}

function covers(role: DelegatedRole, path: string, hash: string): boolean {
  if (role.pathHashPrefixes !== undefined) return role.pathHashPrefixes.some((prefix) => hash.startsWith(prefix));
  return role.paths?.some((pattern) => matchPath(pattern, path)) === true;
}

/** 4.5, PATHPATTERN: `*` and `?` within one name; `/` stands only for itself, so both have as many names. */
export function matchPath(pattern: string, path: string): boolean {
  let [from, start] = [0, 0];
  for (;;) {
    const [to, end] = [pattern.indexOf("/", from), path.indexOf("/", start)];
    if ((to === -1) !== (end === -1)) return false;
    if (to === -1) return matchName(pattern, from, pattern.length, path, start, path.length);
    if (!matchName(pattern, from, to, path, start, end)) return false;
    [from, start] = [to + 1, end + 1];
  }
}

/** TAP 15: the first `bitLength` bits of the path's hash are the number of its bin. */
function binOf(bins: SuccinctRoles, path: string): string {
  return binName(bins, Number.parseInt(sha256(path).slice(0, 8), 16) >>> (32 - bins.bitLength));
}

function isBin(bins: SuccinctRoles, role: string): boolean {
  const bin = Number.parseInt(role.slice(bins.namePrefix.length + 1), 16);
  return bin >= 0 && bin < 2 ** bins.bitLength && role === binName(bins, bin);
}

function binName({ namePrefix, bitLength }: SuccinctRoles, bin: number): string {
  return `${namePrefix}-${bin.toString(16).padStart(Math.ceil(bitLength / 4), "0")}`;
}
