import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import type { Metadata, PublicKey, Role, Root, Targets, TopRole } from "#trust/metadata.ts";
import { keysOf, lostKey } from "#trust/trusted-set.ts";
import { verifyThreshold } from "#trust/verify.ts";
import type { SignedFile } from "#publish/metadata.ts";

/** Some keys, and how many of them have to sign. */
export interface Authority {
  /** For people: "the root in force". */
  readonly who: string;
  readonly role: Role;
  readonly keys: ReadonlyMap<string, PublicKey>;
}

/** How far the signatures on one role of a proposal have come. */
export interface Standing {
  readonly role: string;
  readonly version: number;
  readonly expires: Instant;
  /** All of these have to be met. */
  readonly needs: readonly {
    readonly authority: Authority;
    readonly signed: readonly string[];
    readonly met: boolean;
  }[];
  /** Whose signatures help a reader who does not know the new root yet, and are not needed. */
  readonly welcome: readonly Authority[];
}

export function rootAuthority(who: string, { roles, keys }: Root, role: TopRole): Authority {
  return { who, role: roles[role], keys };
}

/** Whoever `targets` gives a role to; undefined where there is no such delegation. */
export function delegationOf(targets: Pick<Targets, "delegations">, name: string): Authority | undefined {
  const role = targets.delegations?.roles.get(name);
  return role === undefined || targets.delegations === undefined
    ? undefined
    : { who: `the delegation to ${name}`, role, keys: targets.delegations.keys };
}

export function standingOf(
  role: string,
  metadata: Root | Targets,
  file: SignedFile,
  needed: readonly Authority[],
  welcome: readonly Authority[] = [],
): Standing {
  const needs = needed.map((authority) => {
    const signed = signersOf(metadata, file, authority);
    const distinct = keysOf({ keyids: signed, threshold: 1 }, authority.keys).size;
    return { authority, signed, met: distinct >= authority.role.threshold };
  });
  return { role, version: metadata.version, expires: metadata.expires, needs, welcome };
}

/** Whether what was signed before is enough for these keys too. */
export function satisfies(metadata: Targets, { role, keys }: Authority): boolean {
  try {
    verifyThreshold(metadata, role, keys);
    return true;
  } catch {
    return false;
  }
}

/** 5.3.11: who follows this root forgets what the old keys had signed, so that versions may begin anew. */
export function makesForget(old: Root | undefined, next: Root | undefined): boolean {
  if (old === undefined || next === undefined) return false;
  return lostKey(old, next, "timestamp") || lostKey(old, next, "snapshot");
}

/** The signatures that are good, one for each key that may sign. */
export function goodSignatures(
  metadata: Metadata,
  file: Pick<SignedFile, "signatures">,
  authorities: readonly Authority[],
): SignedFile["signatures"] {
  const good = new Map<string, SignedFile["signatures"][number]>();
  for (const authority of authorities)
    for (const signature of file.signatures)
      if (signedBy(metadata, signature, authority)) good.set(signature.keyid, signature);
  return [...good.values()];
}

function signersOf(metadata: Metadata, file: SignedFile, authority: Authority): readonly string[] {
  return goodSignatures(metadata, file, [authority]).map(({ keyid }) => keyid);
}

function signedBy(
  metadata: Metadata,
  { keyid, sig }: SignedFile["signatures"][number],
  { role, keys }: Authority,
): boolean {
  if (!role.keyids.includes(keyid)) return false;
  try {
    verifyThreshold({ ...metadata, signatures: new Map([[keyid, sig]]) }, { keyids: [keyid], threshold: 1 }, keys);
    return true;
  } catch {
    return false;
  }
}

/** Every key that may sign this role of the proposal. */
export function mayStillSign({ needs, welcome }: Standing, keyid: string): boolean {
  return [...needs.map((need) => need.authority), ...welcome].some(({ role }) => role.keyids.includes(keyid));
}

/** "targets version 4: 1 of 2 signatures (3f2a…)", one line for each authority that has to be met. */
export function standingWords({ role, version, expires, needs }: Standing): readonly string[] {
  return needs.map(({ authority, signed, met }) => {
    const by = signed.length === 0 ? "" : ` (${signed.map((id) => `${id.slice(0, 16)}…`).join(", ")})`;
    const whose = needs.length === 1 ? "" : ` by the keys of ${authority.who}`;
    const count = `${signed.length} of the ${authority.role.threshold} signatures it needs${whose}${by}`;
    return `${role} version ${version}, good until ${formatInstant(expires)}: ${count}${met ? "" : ", not enough yet"}`;
  });
}
