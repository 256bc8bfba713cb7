import { createHash } from "node:crypto";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { newSigner, type PublicKeyJson, type Signer } from "#publish/signer.ts";
import { canonicalJson } from "#trust/canonical.ts";

export type Content = Record<string, unknown>;
type Role = "root" | "timestamp" | "snapshot" | "targets";

/** A key as a root lists it, under whatever id a test gives it. */
export interface Listed {
  readonly keyid: string;
  readonly key: PublicKeyJson;
  readonly signer: Signer;
}

export function listed(signer: Signer = newSigner(), keyid: string = signer.keyid): Listed {
  return { keyid, key: signer.key, signer };
}

/** A TUF repository in memory, written by hand: right unless a test bends it. Paths are as clients ask for them. */
export class Forge {
  readonly files = new Map<string, Buffer>();
  readonly keys: Record<Role, Listed[]>;
  threshold: Record<Role, number> = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };
  version: Record<Role, number> = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };
  expires: Record<Role, Instant>;
  targets = new Map<string, Buffer>();
  /** Bends a role's content before it is signed. */
  bend: Partial<Record<Role, (content: Content) => Content>> = {};
  /** Bends the finished bytes, after the roles above have taken their length and hash. */
  tamper: Partial<Record<Role, (bytes: Buffer) => Buffer>> = {};
  /** Whether the roles above say the length and hash of those below. */
  promises = true;
  extraTimestamp: Content = {};

  constructor(now: Instant) {
    this.keys = { root: [listed()], timestamp: [listed()], snapshot: [listed()], targets: [listed()] };
    const later = instantOf(Math.floor(now / 1000) * 1000 + 48 * 3_600_000);
    this.expires = { root: later, timestamp: later, snapshot: later, targets: later };
  }

  /** Writes the root of the present version, signed with the present root keys and those of `also`. */
  async writeRoot(also: readonly Listed[] = []): Promise<Buffer> {
    const every = Object.values(this.keys).flat();
    const roles = Object.fromEntries(
      Object.entries(this.keys).map(([role, keys]) => [
        role,
        { keyids: keys.map((k) => k.keyid), threshold: this.threshold[role as Role] },
      ]),
    );
    const keys = Object.fromEntries(every.map((k) => [k.keyid, k.key]));
    const bytes = await this.#sign("root", { consistent_snapshot: true, keys, roles }, [...this.keys.root, ...also]);
    this.files.set(`/${this.version.root}.root.json`, bytes);
    return bytes;
  }

  /** Writes targets, snapshot and timestamp of the present versions. */
  async write(): Promise<void> {
    const described = new Map([...this.targets].map(([path, bytes]) => [path, describe(bytes)]));
    const targets = await this.#sign("targets", { targets: Object.fromEntries(described) });
    for (const [path, bytes] of this.targets) {
      const slash = path.lastIndexOf("/") + 1;
      this.files.set(`/targets/${path.slice(0, slash)}${sha256(bytes)}.${path.slice(slash)}`, bytes);
    }
    const snapshot = await this.#sign("snapshot", {
      meta: { "targets.json": { version: this.version.targets, ...(this.promises && describe(targets)) } },
    });
    const timestamp = await this.#sign("timestamp", {
      meta: { "snapshot.json": { version: this.version.snapshot, ...(this.promises && describe(snapshot)) } },
      ...this.extraTimestamp,
    });
    this.#put("targets", `/${this.version.targets}.targets.json`, targets);
    this.#put("snapshot", `/${this.version.snapshot}.snapshot.json`, snapshot);
    this.#put("timestamp", "/timestamp.json", timestamp);
  }

  /** The next version of each of these. */
  next(...roles: readonly Role[]): this {
    for (const role of roles) this.version[role] += 1;
    return this;
  }

  #put(role: Role, path: string, bytes: Buffer): void {
    this.files.set(path, this.tamper[role]?.(bytes) ?? bytes);
  }

  async #sign(role: Role, content: Content, keys: readonly Listed[] = this.keys[role]): Promise<Buffer> {
    const header = {
      _type: role,
      spec_version: "1.0.31",
      version: this.version[role],
      expires: formatInstant(this.expires[role]),
    };
    const whole = { ...header, ...content };
    return signedFile(this.bend[role]?.(whole) ?? whole, keys);
  }
}

export async function signedFile(content: Content, keys: readonly Listed[]): Promise<Buffer> {
  const signatures = keys.map(async ({ keyid, signer }) => ({ keyid, sig: await signer.sign(canonicalJson(content)) }));
  return Buffer.from(JSON.stringify({ signatures: await Promise.all(signatures), signed: content }));
}

function describe(bytes: Buffer): Content {
  return { length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
