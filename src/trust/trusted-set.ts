import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import { delegation } from "#trust/delegations.ts";
import { TrustError } from "#trust/error.ts";
import {
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type Metadata,
  type PublicKey,
  type Role,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "#trust/metadata.ts";
import { publicIdentity, verifyBytes, verifyThreshold } from "#trust/verify.ts";

/**
 * The client workflow of TUF 1.0 (section 5), without files and without network: bytes go in, in the order root, timestamp,
 * snapshot, targets, delegated targets; a trusted object comes out or a TrustError, and after an error what was trusted before still is.
 * `at` is the time that expiry is measured against; undefined reads a last known good, where expiry is only reported.
 */
export class TrustedSet {
  #root: Root;
  #timestamp: Timestamp | undefined;
  #snapshot: Snapshot | undefined;
  #targets: Targets | undefined;
  readonly #delegated = new Map<string, Targets>();
  /** Seen before and only good for noticing a rollback. */
  #known:
    | { readonly timestamp: Timestamp; readonly signers: ReadonlySet<string>; readonly bytes: Uint8Array }
    | undefined;
  #knownSnapshot: Snapshot | undefined;
  #timestampSigners: ReadonlySet<string> = new Set();
  #at: Instant | undefined;
  readonly #files = new Map<string, Uint8Array>();

  /** 5.2: the root this machine trusts already. It is held to its own keys, so that a damaged file is noticed. */
  constructor(root: Uint8Array) {
    const parsed = parseRoot(root);
    verifyThreshold(parsed, parsed.roles.root, parsed.keys);
    this.#root = parsed;
    this.#files.set("root", root);
  }

  get root(): Root {
    return this.#root;
  }
  get timestamp(): Timestamp | undefined {
    return this.#timestamp;
  }
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }
  get targets(): Targets | undefined {
    return this.#targets;
  }
  /** A delegated role that is trusted, whoever vouched for it. */
  delegated(role: string): Targets | undefined {
    return this.#delegated.get(role);
  }
  /** What is trusted of a role, top-level or delegated. */
  metadata(role: string): Metadata | undefined {
    switch (role) {
      case "root":
      case "timestamp":
      case "snapshot":
      case "targets":
        return this[role];
      default:
        return this.delegated(role);
    }
  }
  /** The bytes of each trusted role by its name, delegated ones too. */
  get files(): ReadonlyMap<string, Uint8Array> {
    return this.#files;
  }
  /** The public keys that signed the trusted timestamp, as `publicIdentity` writes them. */
  get timestampSigners(): ReadonlySet<string> {
    return this.#timestampSigners;
  }

  /** 5.3.4–5.3.7. `rotated`: the timestamp or snapshot role lost a key, so what they had signed is to be forgotten (5.3.11). */
  updateRoot(bytes: Uint8Array): { readonly rotated: boolean } {
    const old = this.#root;
    const next = parseRoot(bytes);
    // 5.3.4: signed by a threshold of the old root's keys, and by a threshold of its own.
    verifyThreshold(next, old.roles.root, old.keys);
    verifyThreshold(next, next.roles.root, next.keys);
    // 5.3.5: exactly the next version.
    sameVersion("root", next.version, old.version + 1);
    this.#root = next; // 5.3.7
    this.#files.set("root", bytes);
    const rotated = lostKey(old, next, "timestamp") || lostKey(old, next, "snapshot");
    return { rotated };
  }

  /** 5.3.10: no newer root is left to load, and this one is still good. From here on expiry counts, if `at` is given. */
  finishRoot(at: Instant | undefined): void {
    this.#at = at;
    this.#unexpired(this.#root);
  }

  /** Expiry is measured against a later time from here on; never against an earlier one. */
  advance(at: Instant): void {
    if (this.#at !== undefined && at > this.#at) this.#at = at;
  }

  /** The timestamp of an earlier run: a floor against rollback, and the trusted one again where the server has no newer. */
  knowTimestamp(bytes: Uint8Array): Timestamp {
    const known = parseTimestamp(bytes);
    const signers = this.#verify(known, "timestamp");
    this.#known = { timestamp: known, signers, bytes };
    return known;
  }

  /** The snapshot of an earlier run; only its versions matter, so it may be expired or no longer the current one. */
  knowSnapshot(bytes: Uint8Array): Snapshot {
    const known = parseSnapshot(bytes);
    this.#verify(known, "snapshot");
    this.#knownSnapshot = known;
    return known;
  }

  /** 5.4.2–5.4.4. "same": this version was known, and the known one is trusted again. */
  updateTimestamp(bytes: Uint8Array): "new" | "same" {
    const next = parseTimestamp(bytes);
    const known = this.#known?.timestamp;
    const signers = this.#verify(next, "timestamp"); // 5.4.2
    if (known !== undefined) {
      notOlder("timestamp", next.version, known.version); // 5.4.3.1
      if (next.version === known.version) {
        this.keepTimestamp();
        return "same";
      }
      notOlder("snapshot", next.snapshot.version, known.snapshot.version); // 5.4.3.2
    }
    this.#unexpired(next); // 5.4.4
    this.#timestamp = next;
    this.#timestampSigners = signers;
    this.#files.set("timestamp", bytes);
    return "new";
  }

  /** The server has nothing newer than the known timestamp: it has to be good by itself (5.4.4). */
  keepTimestamp(): void {
    const { timestamp, signers, bytes } = needed(this.#known, "timestamp");
    this.#unexpired(timestamp);
    this.#timestamp = timestamp;
    this.#timestampSigners = signers;
    this.#files.set("timestamp", bytes);
  }

  /** 5.5.2–5.5.6 */
  updateSnapshot(bytes: Uint8Array): void {
    const wanted = needed(this.#timestamp, "timestamp").snapshot;
    verifyBytes(bytes, wanted, "snapshot.json"); // 5.5.2
    const next = parseSnapshot(bytes);
    this.#verify(next, "snapshot"); // 5.5.3
    sameVersion("snapshot", next.version, wanted.version); // 5.5.4
    for (const [file, known] of this.#knownSnapshot?.meta ?? []) {
      const meta = next.meta.get(file); // 5.5.5
      if (meta === undefined) throw new TrustError("ROLLBACK", `${file} is no longer in the snapshot`, { file });
      notOlder(file.replace(/\.json$/, ""), meta.version, known.version);
    }
    this.#unexpired(next); // 5.5.6
    this.#snapshot = next;
    this.#files.set("snapshot", bytes);
  }

  /** 5.6.2–5.6.5, for the top-level targets role. */
  updateTargets(bytes: Uint8Array): void {
    this.#targets = this.#checked(bytes, "targets", this.#root.roles.targets, this.#root.keys);
    this.#files.set("targets", bytes);
  }

  /**
   * 5.6.2–5.6.5, for a role that a trusted `parent` ("targets", or a delegated role) delegates to: held to the keys and the
   * threshold that this parent gives it, also where another parent's word was enough before.
   * @param expired "reported" where age is no reason to refuse it
   */
  updateDelegated(
    bytes: Uint8Array,
    role: string,
    parent: string,
    expired: "refused" | "reported" = "refused",
  ): Targets {
    const above = needed(parent === "targets" ? this.#targets : this.delegated(parent), parent);
    const given = delegation(above, role);
    if (given === undefined)
      throw new TrustError("SIGNATURE", `${parent} delegates nothing to ${role}`, { file: role });
    const next = this.#checked(bytes, role, given, above.delegations?.keys ?? new Map(), expired);
    this.#delegated.set(role, next);
    this.#files.set(role, bytes);
    return next;
  }

  #checked(
    bytes: Uint8Array,
    name: string,
    role: Role,
    keys: ReadonlyMap<string, PublicKey>,
    expired: "refused" | "reported" = "refused",
  ): Targets {
    const wanted = needed(this.#snapshot, "snapshot").meta.get(`${name}.json`);
    if (wanted === undefined) throw new TrustError("MISMATCH", `the snapshot has no ${name}.json`, { file: name });
    verifyBytes(bytes, wanted, `${name}.json`); // 5.6.2
    const next = parseTargets(bytes, name);
    verifyThreshold(next, role, keys, name); // 5.6.3
    sameVersion(name, next.version, wanted.version); // 5.6.4
    if (expired === "refused") this.#unexpired(next, name); // 5.6.5
    return next;
  }

  #verify(metadata: Timestamp | Snapshot, role: "timestamp" | "snapshot"): ReadonlySet<string> {
    return verifyThreshold(metadata, this.#root.roles[role], this.#root.keys);
  }

  #unexpired(metadata: Metadata, name: string = metadata.type): void {
    if (this.#at === undefined || metadata.expires > this.#at) return;
    const [expired, now] = [formatInstant(metadata.expires), formatInstant(this.#at)];
    throw new TrustError("EXPIRED", `${name}.json expired at ${expired}, and it is ${now}`, {
      file: name,
      seen: expired,
      wanted: now,
    });
  }
}

/** Whether a role had a key that it no longer has (the key itself, whatever it is called). */
export function lostKey(old: Root, next: Root, role: "timestamp" | "snapshot"): boolean {
  const kept = keysOf(next.roles[role], next.keys);
  return [...keysOf(old.roles[role], old.keys)].some((key) => !kept.has(key));
}

/** The distinct public keys of a role, as `publicIdentity` writes them; keys that cannot be read are left out. */
export function keysOf(role: Role, keys: ReadonlyMap<string, PublicKey>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const keyid of role.keyids) {
    const key = keys.get(keyid);
    try {
      const identity = key && publicIdentity(key);
      if (identity !== undefined) found.add(identity);
    } catch {
      // no key at all
    }
  }
  return found;
}

function needed<T>(value: T | undefined, file: string): T {
  if (value === undefined) throw new TrustError("CACHE", `there is no trusted ${file} yet`, { file });
  return value;
}

function notOlder(file: string, seen: number, known: number): void {
  if (seen < known)
    throw new TrustError("ROLLBACK", `${file} went back from version ${known} to ${seen}`, {
      file,
      seen,
      wanted: known,
    });
}

function sameVersion(file: string, seen: number, wanted: number): void {
  if (seen !== wanted)
    throw new TrustError("VERSION", `${file}.json is version ${seen} instead of ${wanted}`, { file, seen, wanted });
}
