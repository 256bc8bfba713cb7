import { gzipSync } from "node:zlib";
import type { Instant } from "#lib/pure/instant.ts";
import type { TargetFile, Targets } from "#trust/metadata.ts";
import { groupPath } from "#trust/parts.ts";
import { targetsJson } from "#publish/content.ts";
import type { Contents, Current, Roles } from "#publish/current.ts";
import { describeBytes, header } from "#publish/metadata.ts";
import { groupRole } from "#publish/names.ts";
import { proposalOf, type Proposal } from "#publish/proposal-file.ts";

/** JSON, as it will be in force; undefined where it stays as it is. */
export type NewContents = Partial<Pick<Contents, "policy" | "catalog" | "devices">>;

/** The next targets file after the one in force, with these files; everything else in it stays as it was. */
export function proposePolicy(next: NewContents, current: Current, now: Instant): Proposal {
  const files = new Map<string, Uint8Array>();
  for (const name of ["policy", "catalog", "devices"] as const) {
    const bytes = next[name];
    if (bytes !== undefined && !same(bytes, current[name])) files.set(`${name}.json`, gzipSync(bytes, { level: 9 }));
  }
  return proposalOf({ targets: targetsAfter("targets", current.targets, files, now) }, files);
}

/** The next policy of a department, whose role the repository knows already or begins with this. */
export function proposeGroupPolicy(group: string, policy: Uint8Array, current: Current, now: Instant): Proposal {
  const role = groupRole(group);
  const packed = gzipSync(policy, { level: 9 });
  const unchanged = same(policy, current.groups.get(group));
  const files = new Map(unchanged ? [] : [[groupPath(group), packed] as const]);
  const before = current.delegated.get(role) ?? { version: versionOf(role, current), ...emptyTargets };
  return proposalOf({ [role]: targetsAfter(role, before, files, now) }, files);
}

const emptyTargets = { targets: new Map<string, TargetFile>(), delegations: undefined };

/** Of a role that nobody delegates to any more too: it may come again, and not begin anew. 0 where there never was one. */
export function versionOf(role: string, { snapshot }: Pick<Roles, "snapshot">): number {
  return snapshot.meta.get(`${role}.json`)?.version ?? 0;
}

/** A targets role one version on, with these packed files in it. */
export function targetsAfter(
  role: string,
  before: Pick<Targets, "version" | "targets" | "delegations">,
  files: ReadonlyMap<string, Uint8Array>,
  now: Instant,
): Record<string, unknown> {
  const targets = new Map(before.targets);
  for (const [path, bytes] of files) targets.set(path, targetOf(path, bytes));
  return { ...header(role, before.version + 1, now), ...targetsJson({ targets, delegations: before.delegations }) };
}

export function targetOf(path: string, bytes: Uint8Array): TargetFile {
  const { length, hashes } = describeBytes(bytes);
  return { path, length, hashes: new Map(Object.entries(hashes)), custom: undefined };
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
