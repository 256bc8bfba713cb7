import { formatInstant, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { about, TrustError } from "#trust/error.ts";
import * as field from "#trust/fields.ts";
import type { JsonObject } from "#trust/fields.ts";
import { maxKeys } from "#trust/limits.ts";

// The four top-level roles of TUF 1.0 (section 4), parsed: bytes in, frozen shapes out. Nothing here is verified yet.
// Names that come from outside live in Maps, so that "constructor" and "__proto__" are names like any other.

export const topRoles = ["root", "timestamp", "snapshot", "targets"] as const;
export type TopRole = (typeof topRoles)[number];

export interface PublicKey {
  readonly keytype: string;
  readonly scheme: string;
  /** keyval.public: hex or PEM. Undefined where it is no text: such a key signs nothing. */
  readonly public: string | undefined;
}

export interface Role {
  readonly keyids: readonly string[];
  /** At least 1. */
  readonly threshold: number;
}

/** What one file says about another. */
export interface FileMeta {
  readonly version: number;
  readonly length: number | undefined;
  /** Algorithm → lower-case hex. */
  readonly hashes: ReadonlyMap<string, string> | undefined;
}

export interface TargetFile {
  readonly path: string;
  readonly length: number;
  readonly hashes: ReadonlyMap<string, string>;
  readonly custom: unknown;
}

export interface DelegatedRole extends Role {
  readonly name: string;
  readonly terminating: boolean;
  readonly paths: readonly string[] | undefined;
  readonly pathHashPrefixes: readonly string[] | undefined;
}

export interface SuccinctRoles extends Role {
  /** 1 to 32: there are 2 to the power of it bins. */
  readonly bitLength: number;
  readonly namePrefix: string;
}

export interface Delegations {
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** In order of priority; empty where bins are used. */
  readonly roles: ReadonlyMap<string, DelegatedRole>;
  readonly succinct: SuccinctRoles | undefined;
}

interface Signed {
  readonly version: number;
  readonly expires: Instant;
  /** Key id → hex. */
  readonly signatures: ReadonlyMap<string, string>;
  /** The value that is signed, as it came; `canonicalJson` makes the bytes. */
  readonly signed: JsonObject;
}

export interface Root extends Signed {
  readonly type: "root";
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roles: Readonly<Record<TopRole, Role>>;
}
export interface Timestamp extends Signed {
  readonly type: "timestamp";
  readonly snapshot: FileMeta;
  /** Edict's own `x_issued`: when it was signed. Repositories of others have none. */
  readonly issued: Instant | undefined;
}
export interface Snapshot extends Signed {
  readonly type: "snapshot";
  /** File name ("targets.json") → what belongs together. */
  readonly meta: ReadonlyMap<string, FileMeta>;
}
export interface Targets extends Signed {
  readonly type: "targets";
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
}
export type Metadata = Root | Timestamp | Snapshot | Targets;

/** Longest time a timestamp of ours may live; `x_issued` lies within it. */
export const timestampLifeMs = 72 * 3_600_000;

/** @throws TrustError FORMAT, or LIMIT. So do all of these. */
export function parseRoot(bytes: Uint8Array): Root {
  return about("root", () => {
    const { signed, base } = envelope(bytes, "root");
    const roles = field.object(signed["roles"], "roles");
    const role = (name: TopRole): Role => parseRole(field.own(roles, name), `the role ${name}`);
    return {
      type: "root",
      ...base,
      consistentSnapshot: field.boolean(signed["consistent_snapshot"], "consistent_snapshot"),
      keys: parseKeys(signed["keys"]),
      roles: { root: role("root"), timestamp: role("timestamp"), snapshot: role("snapshot"), targets: role("targets") },
    };
  });
}

export function parseTimestamp(bytes: Uint8Array): Timestamp {
  return about("timestamp", () => {
    const { signed, base } = envelope(bytes, "timestamp");
    const snapshot = fileMeta(field.own(field.object(signed["meta"], "meta"), "snapshot.json"), "snapshot.json");
    const issued = signed["x_issued"] === undefined ? undefined : instant(signed["x_issued"], "x_issued");
    if (issued !== undefined && (issued > base.expires || issued < base.expires - timestampLifeMs))
      throw new TrustError("FORMAT", `x_issued ${formatInstant(issued)} is not within 72 hours before expires`);
    return { type: "timestamp", ...base, snapshot, issued };
  });
}

export function parseSnapshot(bytes: Uint8Array): Snapshot {
  return about("snapshot", () => {
    const { signed, base } = envelope(bytes, "snapshot");
    const meta = field.map(signed["meta"], "meta", fileMeta);
    if (!meta.has("targets.json")) throw new TrustError("FORMAT", "it has no targets.json");
    return { type: "snapshot", ...base, meta };
  });
}

/** @param name the role, for messages: also for delegated targets */
export function parseTargets(bytes: Uint8Array, name = "targets"): Targets {
  return about(name, () => {
    const { signed, base } = envelope(bytes, "targets");
    const targets = field.map(signed["targets"], "targets", (value, path) => {
      const target = field.object(value, path);
      return {
        path,
        length: field.integer(target["length"], 0, `the length of ${path}`),
        hashes: hashes(target["hashes"], path),
        custom: target["custom"],
      };
    });
    const delegations = signed["delegations"] === undefined ? undefined : parseDelegations(signed["delegations"]);
    return { type: "targets", ...base, targets, delegations };
  });
}

interface Envelope {
  readonly signed: JsonObject;
  readonly base: Signed;
}

/** Section 4.2: what all roles have in common. */
function envelope(bytes: Uint8Array, type: TopRole): Envelope {
  const file = field.object(field.json(bytes), "the file");
  const signed = field.object(file["signed"], "signed");
  if (signed["_type"] !== type) throw new TrustError("FORMAT", `_type is not ${type}`);
  const spec = field.text(signed["spec_version"], "spec_version");
  if (!/^1\.\d{1,9}(\.\d{1,9})?$/.test(spec)) throw new TrustError("FORMAT", `spec_version ${spec} is not 1.x`);
  const signatures = new Map<string, string>();
  for (const item of field.list(file["signatures"], "signatures")) {
    const signature = field.object(item, "a signature");
    const keyid = field.text(signature["keyid"], "keyid");
    if (signatures.has(keyid)) throw new TrustError("FORMAT", `two signatures of key ${keyid}`);
    signatures.set(keyid, field.text(signature["sig"], "sig"));
  }
  const version = field.integer(signed["version"], 1, "version");
  return { signed, base: { version, expires: instant(signed["expires"], "expires"), signatures, signed } };
}

/** Section 4.2.2: ISO 8601 in UTC to the second, and nothing else. */
function instant(value: unknown, what: string): Instant {
  const text = field.text(value, what);
  try {
    if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return parseInstant(text);
  } catch {
    // no such day or hour
  }
  throw new TrustError("FORMAT", `${what} is not a time of the form 2026-07-10T00:00:00Z`);
}

function parseKeys(value: unknown): ReadonlyMap<string, PublicKey> {
  return field.map(value, "keys", (item, id) => {
    const key = field.object(item, `key ${id}`);
    const publicPart = field.object(key["keyval"], `keyval of ${id}`)["public"];
    return {
      keytype: field.text(key["keytype"], "keytype"),
      scheme: field.text(key["scheme"], "scheme"),
      public: typeof publicPart === "string" ? publicPart : undefined,
    };
  });
}

function parseRole(value: unknown, what: string): Role {
  const role = field.object(value, what);
  const keyids = field.texts(role["keyids"], `keyids of ${what}`);
  if (keyids.length > maxKeys) throw new TrustError("LIMIT", `${what} has more than ${maxKeys} keys`);
  if (new Set(keyids).size !== keyids.length) throw new TrustError("FORMAT", `${what} names a key twice`);
  return { keyids, threshold: field.integer(role["threshold"], 1, `threshold of ${what}`) };
}

function fileMeta(value: unknown, name: string): FileMeta {
  const meta = field.object(value, `what is said of ${name}`);
  return {
    version: field.integer(meta["version"], 1, `the version of ${name}`),
    length: meta["length"] === undefined ? undefined : field.integer(meta["length"], 0, `the length of ${name}`),
    hashes: meta["hashes"] === undefined ? undefined : hashes(meta["hashes"], name),
  };
}

function hashes(value: unknown, name: string): ReadonlyMap<string, string> {
  const map = field.map(value, `the hashes of ${name}`, (hash) => field.text(hash, `a hash of ${name}`));
  if (map.size === 0) throw new TrustError("FORMAT", `${name} has no hashes`);
  return map;
}

/** Section 4.5 and TAP 15. */
function parseDelegations(value: unknown): Delegations {
  const delegations = field.object(value, "delegations");
  const keys = parseKeys(delegations["keys"]);
  const bins = delegations["succinct_roles"];
  if (bins !== undefined) {
    if (delegations["roles"] !== undefined) throw new TrustError("FORMAT", "both roles and succinct_roles");
    const succinct = field.object(bins, "succinct_roles");
    const bitLength = field.integer(succinct["bit_length"], 1, "bit_length");
    if (bitLength > 32) throw new TrustError("FORMAT", "bit_length is over 32");
    const namePrefix = field.text(succinct["name_prefix"], "name_prefix");
    return { keys, roles: new Map(), succinct: { ...parseRole(bins, "succinct_roles"), bitLength, namePrefix } };
  }
  const roles = new Map<string, DelegatedRole>();
  for (const item of field.list(delegations["roles"], "roles")) {
    const role = delegatedRole(item);
    if (roles.has(role.name)) throw new TrustError("FORMAT", `two delegations to ${role.name}`);
    roles.set(role.name, role);
  }
  return { keys, roles, succinct: undefined };
}

function delegatedRole(value: unknown): DelegatedRole {
  const role = field.object(value, "a delegated role");
  const name = field.text(role["name"], "name");
  if (name === "" || topRoles.some((top) => top === name)) throw new TrustError("FORMAT", `a delegation to "${name}"`);
  const optional = (key: string): readonly string[] | undefined =>
    role[key] === undefined ? undefined : field.texts(role[key], `${key} of ${name}`);
  const [paths, pathHashPrefixes] = [optional("paths"), optional("path_hash_prefixes")];
  if ((paths === undefined) === (pathHashPrefixes === undefined))
    throw new TrustError("FORMAT", `${name} needs either paths or path_hash_prefixes`);
  const terminating = field.boolean(role["terminating"], `terminating of ${name}`);
  return { ...parseRole(role, name), name, terminating, paths, pathHashPrefixes };
}
