import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import type { Root, TargetFile, Targets } from "#trust/metadata.ts";
import { groupPath, partOf } from "#trust/parts.ts";
import { verifyBytes } from "#trust/verify.ts";
import {
  delegationOf,
  goodSignatures,
  makesForget,
  rootAuthority,
  standingOf,
  type Authority,
  type Standing,
} from "#publish/authority.ts";
import { readRoot, readTargets } from "#publish/content.ts";
import type { Current } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { lifetimeOf, type SignedFile } from "#publish/metadata.ts";
import { groupOf } from "#publish/names.ts";
import { fileIn, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { mostVersion } from "#publish/versions.ts";

/** What a proposal is held against. */
export interface Base {
  /** Undefined before there is any: the ceremony. */
  readonly root: Root | undefined;
  /** The repository as it stands; undefined where only its root is at hand, or nothing yet. */
  readonly current: Current | undefined;
}

/** A proposal that is whole, with each of its roles read. */
export interface Examined {
  /** With the good signatures of keys that may sign, and no others. */
  readonly proposal: Proposal;
  readonly root: Root | undefined;
  readonly targets: Targets | undefined;
  /** By role: "group-engineering". */
  readonly groups: ReadonlyMap<string, Targets>;
  /** Files that become others, packed as signed, by their path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of every role in it. */
  readonly standing: readonly Standing[];
}

/**
 * Reads a proposal: that each role says only what can be shown, and that the bytes of every file that changes are there and
 * are the ones that are signed.
 * @throws PublishError PROPOSAL; TrustError FORMAT, MISMATCH
 */
export function examine(proposal: Proposal, base: Base): Examined {
  const rootFile = roleIn(proposal, "root");
  const root = rootFile && readRoot(bare(rootFile));
  const roles = new Map<string, Targets>();
  for (const [role, file] of Object.entries(proposal.roles))
    if (role !== "root") roles.set(role, readTargets(role, bare(file)));
  const targets = roles.get("targets");
  const groups = new Map([...roles].filter(([role]) => role !== "targets"));
  const read = { root, targets, groups };

  const standing: Standing[] = [];
  const signed: Record<string, SignedFile> = {};
  for (const [role, file] of Object.entries(proposal.roles)) {
    const metadata = role === "root" ? root : roles.get(role);
    if (metadata === undefined) continue;
    const { needed, welcome } = authoritiesOf(role, read, base);
    standing.push(standingOf(role, metadata, file, needed, welcome));
    signed[role] = { ...file, signatures: goodSignatures(metadata, file, [...needed, ...welcome]) };
  }
  const files = filesOf(proposal, roles, base.current);
  return { ...read, proposal: { ...proposal, roles: signed }, files, standing };
}

function bare({ signed }: SignedFile): SignedFile {
  return { signatures: [], signed };
}

/** Who has to sign a role, and who else may. */
function authoritiesOf(
  role: string,
  { root, targets }: Pick<Examined, "root" | "targets">,
  { root: inForce, current }: Base,
): { readonly needed: readonly Authority[]; readonly welcome: readonly Authority[] } {
  if (role === "root" || role === "targets") {
    const old = inForce && rootAuthority("the root in force", inForce, role);
    const next = root && rootAuthority("the new root", root, role);
    // 5.3.4 for a root; targets have to be good under the root that is newest.
    if (role === "root") return { needed: [old, next].filter((one) => one !== undefined), welcome: [] };
    const [newest, ...others] = [next, old].filter((one) => one !== undefined);
    if (newest === undefined)
      throw new PublishError("PROPOSAL", "nobody can tell who may sign it: say which root is in force");
    return { needed: [newest], welcome: others };
  }
  const old = current && delegationOf(current.targets, role);
  const newest = targets === undefined ? old : delegationOf(targets, role);
  if (newest === undefined)
    throw new PublishError("PROPOSAL", `nothing is delegated to ${role} here: edict trust delegate ${role}`);
  return { needed: [newest], welcome: old === undefined || old === newest ? [] : [old] };
}

const topKinds: readonly unknown[] = ["policy", "catalog", "devices"];

/** The files of all roles that are not in force already. */
function filesOf(
  proposal: Proposal,
  roles: ReadonlyMap<string, Targets>,
  current: Current | undefined,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [role, { targets }] of roles) {
    const group = groupOf(role);
    const before = role === "targets" ? current?.targets : current?.delegated.get(role);
    for (const target of targets.values()) {
      const { path } = target;
      const kind = partOf(path)?.kind;
      if (group === undefined ? !topKinds.includes(kind) : path !== groupPath(group))
        throw new PublishError("PROPOSAL", `${role} has nothing to say of ${path}: no device asks it`);
      const bytes = fileIn(proposal, path);
      if (bytes !== undefined) {
        verifyBytes(bytes, target, path);
        files.set(path, bytes);
      } else if (!sameFile(before?.targets.get(path), target))
        throw new PublishError("PROPOSAL", `${path} is missing in it, so that nobody can see what is signed`);
    }
  }
  const stray = Object.keys(proposal.files).find((path) => !files.has(path));
  if (stray !== undefined) throw new PublishError("PROPOSAL", `it carries ${stray}, which nobody signed`);
  return files;
}

function sameFile(a: TargetFile | undefined, b: TargetFile): boolean {
  if (a === undefined || a.length !== b.length || a.hashes.size !== b.hashes.size) return false;
  return [...b.hashes].every(([algorithm, hash]) => a.hashes.get(algorithm) === hash);
}

/** @throws TrustError VERSION where another was published meanwhile, or something was left out */
export function requireNext({ standing, root }: Examined, base: Base): void {
  for (const { role, version } of standing) {
    const now = versionInForce(role, base);
    if (now === "unknown" || version === now + 1 || beginsAnew(version, now, root, base)) continue;
    const words =
      now > 0
        ? `it would be version ${version} of ${role}, and version ${now} is in force: make and sign it again`
        : `it is version ${version} of ${role}: say which one is in force, with --repo, --server or --root`;
    throw new TrustError("VERSION", words, { file: role, seen: version, wanted: now + 1 });
  }
}

/** After a fast-forward attack: the number was pushed up, and with this root clients forget it (5.3.11). */
function beginsAnew(version: number, now: number, next: Root | undefined, { root }: Base): boolean {
  return now > mostVersion && version <= mostVersion && makesForget(root, next);
}

/** 0 before there is one. */
function versionInForce(role: string, { root, current }: Base): number | "unknown" {
  if (role === "root") return root?.version ?? 0;
  if (current === undefined) return root === undefined ? 0 : "unknown";
  if (role === "targets") return current.targets.version;
  return current.snapshot.meta.get(`${role}.json`)?.version ?? 0;
}

const dayMs = 86_400_000;

/**
 * @throws TrustError EXPIRED; PublishError PROPOSAL for what would be good for longer than its role may be: an expiry bounds
 * what a stolen key can do
 */
export function requireLife({ standing }: Examined, now: Instant): void {
  for (const { role, expires } of standing) {
    if (expires <= now)
      throw new TrustError(
        "EXPIRED",
        `${role} in it was good until ${formatInstant(expires)}: make and sign it again`,
        {
          file: role,
          seen: formatInstant(expires),
          wanted: formatInstant(now),
        },
      );
    const days = lifetimeOf(role) / dayMs;
    if (expires - now > (days + 1) * dayMs)
      throw new PublishError(
        "PROPOSAL",
        `${role} would be good until ${formatInstant(expires)}, at most ${days} days are signed`,
      );
  }
}

/** @throws TrustError SIGNATURE */
export function requireSignatures({ standing }: Examined): void {
  for (const { role, needs } of standing)
    for (const { authority, signed, met } of needs)
      if (!met) {
        const wanted = authority.role.threshold;
        const whose = needs.length === 1 ? "" : ` by the keys of ${authority.who}`;
        const what = `${role} has ${signed.length} of the ${wanted} signatures it needs${whose}`;
        throw new TrustError("SIGNATURE", what, { file: role, seen: signed.length, wanted });
      }
}
