import type { Instant } from "#lib/pure/instant.ts";
import { topRoles, type Metadata } from "#trust/metadata.ts";
import { delegationOf, goodSignatures, rootAuthority, type Authority } from "#publish/authority.ts";
import type { Roles } from "#publish/current.ts";
import { lifetimeOf } from "#publish/metadata.ts";

/** One role as whoever fetches the repository sees it. */
export interface RoleStatus {
  readonly role: string;
  /** The ids of its keys, and how many of them have to sign. */
  readonly keyids: readonly string[];
  readonly threshold: number;
  /** What was signed; undefined where it is delegated and nothing was signed yet. */
  readonly signed:
    | {
        readonly version: number;
        /** Good ones, of keys that may sign. */
        readonly signatures: number;
        readonly expires: Instant;
        readonly expired: boolean;
        /** Whether less than half of its life is left. A file says when it ends and not when it began: see `lifeMs`. */
        readonly half: boolean;
      }
    | undefined;
  /** How long Edict signs this role for, in milliseconds (`lifetimeMs`). */
  readonly lifeMs: number;
}

/** Every role, the delegated ones after the top-level ones. */
export function statusOf({ set, timestamp, snapshot, targets, delegated }: Roles, now: Instant): readonly RoleStatus[] {
  const top = { root: set.root, timestamp, snapshot, targets };
  return [
    ...topRoles.map((role) => roleStatus(role, rootAuthority("", set.root, role), top[role], now)),
    ...[...(targets.delegations?.roles.keys() ?? [])].flatMap((role) => {
      const authority = delegationOf(targets, role);
      return authority === undefined ? [] : [roleStatus(role, authority, delegated.get(role), now)];
    }),
  ];
}

function roleStatus(role: string, authority: Authority, metadata: Metadata | undefined, now: Instant): RoleStatus {
  const lifeMs = lifetimeOf(role);
  const { keyids, threshold } = authority.role;
  const about = { role, keyids, threshold, lifeMs };
  if (metadata === undefined) return { ...about, signed: undefined };
  const signatures = [...metadata.signatures].map(([keyid, sig]) => ({ keyid, sig }));
  const { version, expires } = metadata;
  return {
    ...about,
    signed: {
      version,
      signatures: goodSignatures(metadata, { signatures }, [authority]).length,
      expires,
      expired: expires <= now,
      half: expires - now < lifeMs / 2,
    },
  };
}

/**
 * The same in Prometheus's text format 0.0.4, for node_exporter's textfile collector. Expiry is a Unix time, so that what was
 * written once goes on being right: `edict_trust_role_expires_seconds - time()`.
 * @param roles undefined where the repository does not verify
 */
export function prometheus(roles: readonly RoleStatus[] | undefined): string {
  const known = roles ?? [];
  const rows = (value: (status: RoleStatus) => number | undefined): Sample[] =>
    known.flatMap((status) => {
      const found = value(status);
      return found === undefined ? [] : [{ role: status.role, value: found }];
    });
  return [
    ...metric("edict_trust_verified", "Whether the repository verifies as a device sees it", [
      { value: roles === undefined ? 0 : 1 },
    ]),
    ...metric(
      "edict_trust_role_version",
      "Version of a role",
      rows(({ signed }) => signed?.version),
    ),
    ...metric(
      "edict_trust_role_keys",
      "Keys that may sign a role",
      rows(({ keyids }) => keyids.length),
    ),
    ...metric(
      "edict_trust_role_threshold",
      "Keys that have to sign a role",
      rows(({ threshold }) => threshold),
    ),
    ...metric(
      "edict_trust_role_signatures",
      "Good signatures on a role",
      rows(({ signed }) => signed?.signatures),
    ),
    ...metric(
      "edict_trust_role_expires_seconds",
      "Unix time at which a role expires",
      rows(({ signed }) => signed && signed.expires / 1000),
    ),
    ...metric(
      "edict_trust_role_life_seconds",
      "How long a role is signed for",
      rows(({ lifeMs }) => lifeMs / 1000),
    ),
  ].join("");
}

interface Sample {
  readonly role?: string;
  readonly value: number;
}

function metric(name: string, help: string, samples: readonly Sample[]): readonly string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(
    ({ role, value }) => `${name}${role === undefined ? "" : `{role="${escaped(role)}"}`} ${value}\n`,
  );
  return [`# HELP ${name} ${help}\n# TYPE ${name} gauge\n`, ...lines];
}

/** Exposition formats, "Comments, help text, and type information": label values escape backslash, quote and line feed. */
function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
}
