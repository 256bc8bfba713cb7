import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { newSigner, type PublicKeyJson, type Signer } from "#publish/signer.ts";
import { canonicalJson } from "#trust/canonical.ts";
import { sha256 } from "#trust/sha256.ts";

export type Content = Record<string, unknown>;

/** A key as a root lists it, under whatever id a test gives it. */
export interface Listed {
  readonly keyid: string;
  readonly key: PublicKeyJson;
  readonly signer: Signer;
}

export function listed(signer: Signer = newSigner(), keyid: string = signer.keyid): Listed {
  return { keyid, key: signer.key, signer };
}

/** How a delegation names what it is about (TUF 1.0 section 4.5). */
export interface Covered {
  readonly paths?: readonly string[];
  readonly path_hash_prefixes?: readonly string[];
  readonly terminating?: boolean;
}

/** One role, to be edited: right unless a test bends it. */
export class SimulatedRole {
  version = 1;
  threshold = 1;
  /** Whom those above list for it. */
  keys: Listed[] = [listed()];
  /** Who signs; those who are listed where it is undefined. */
  signers: readonly Listed[] | undefined;
  expires: Instant;
  /** Path → bytes; of targets roles. */
  readonly targets = new Map<string, Buffer>();
  readonly delegations: { readonly name: string; readonly covered: Covered; readonly keys?: readonly Listed[] }[] = [];
  bins: { readonly bit_length: number; readonly name_prefix: string } | undefined;
  /** More content, that a test adds. */
  extra: Content = {};
  /** Bends the content before it is signed. */
  bend: ((content: Content) => Content) | undefined;
  /** Bends the finished bytes, after the roles above have taken their length and hash; undefined takes the file away. */
  tamper: ((bytes: Buffer) => Buffer | undefined) | undefined;

  constructor(expires: Instant) {
    this.expires = expires;
  }
}

const tops = ["root", "timestamp", "snapshot", "targets"] as const;

/** A TUF repository in memory: edited in place, and signed when it is asked for; only roots are kept as they were. */
export class Simulator {
  readonly roles = new Map<string, SimulatedRole>();
  consistent = true;
  /** Whether roles say the length and the hash of those below them. */
  promises = true;
  readonly #roots = new Map<number, Buffer>();
  readonly #signed = new Map<string, { readonly of: string; readonly bytes: Buffer }>();
  readonly #expires: Instant;

  constructor(now: Instant) {
    this.#expires = instantOf(Math.floor(now / 1000) * 1000 + 48 * 3_600_000);
    for (const name of tops) this.roles.set(name, new SimulatedRole(this.#expires));
  }

  get root(): SimulatedRole {
    return this.role("root");
  }
  get timestamp(): SimulatedRole {
    return this.role("timestamp");
  }
  get snapshot(): SimulatedRole {
    return this.role("snapshot");
  }
  get targets(): SimulatedRole {
    return this.role("targets");
  }

  role(name: string): SimulatedRole {
    const role = this.roles.get(name);
    if (role === undefined) throw new Error(`there is no role ${name}`);
    return role;
  }

  /**
   * `parent` delegates to `name`, which is made where there is none yet.
   * @param keys whom this parent lists for it; the role's own where it is undefined
   */
  delegate(parent: string, name: string, covered: Covered = { paths: ["*"] }, keys?: readonly Listed[]): SimulatedRole {
    const role = this.roles.get(name) ?? new SimulatedRole(this.#expires);
    this.roles.set(name, role);
    this.role(parent).delegations.push({ name, covered, ...(keys !== undefined && { keys }) });
    return role;
  }

  /** `parent` delegates to bins (TAP 15), all made, of one key. */
  delegateBins(parent: string, bit_length: number, name_prefix: string): void {
    this.role(parent).bins = { bit_length, name_prefix };
    const keys = [listed()];
    for (let bin = 0; bin < 2 ** bit_length; bin += 1) {
      const role = new SimulatedRole(this.#expires);
      role.keys = keys;
      this.roles.set(`${name_prefix}-${bin.toString(16).padStart(Math.ceil(bit_length / 4), "0")}`, role);
    }
  }

  /** The next version of each of these. */
  next(...names: readonly string[]): this {
    for (const name of names) this.role(name).version += 1;
    return this;
  }

  /** Signs the root of the present version, also by `also`, and keeps it. */
  async writeRoot(also: readonly Listed[] = []): Promise<Buffer> {
    const every = tops.map((name) => this.role(name));
    const roles = tops.map((name) => [name, given(this.role(name))]);
    const content = {
      consistent_snapshot: this.consistent,
      keys: keysOf(every.flatMap(({ keys }) => keys)),
      roles: Object.fromEntries(roles),
    };
    const bytes = await this.#sign("root", content, also);
    this.#roots.set(this.root.version, bytes);
    return bytes;
  }

  /** A role as it is now, before it is tampered with. */
  async bytes(name: string): Promise<Buffer> {
    if (name === "root") return this.#roots.get(this.root.version) ?? this.writeRoot();
    if (name === "timestamp") return this.#sign(name, { meta: { "snapshot.json": await this.#meta("snapshot") } });
    if (name === "snapshot") {
      const below = [...this.roles.keys()].filter((role) => role === "targets" || !tops.some((top) => top === role));
      const meta = await Promise.all(below.map(async (role) => [`${role}.json`, await this.#meta(role)]));
      return this.#sign(name, { meta: Object.fromEntries(meta) });
    }
    const role = this.role(name);
    const targets = Object.fromEntries([...role.targets].map(([path, bytes]) => [path, describe(bytes)]));
    return this.#sign(name, { targets, ...this.#delegations(role) });
  }

  /** Everything a client may ask for now, by name: "1.root.json", "targets/ab….policy.json". */
  async files(): Promise<Map<string, Buffer>> {
    const files = new Map([...this.#roots].map(([version, bytes]) => [`${version}.root.json`, bytes]));
    for (const [name, role] of this.roles) {
      const bytes = await this.bytes(name);
      const file = name === "root" ? `${role.version}.root.json` : this.#fileOf(name);
      const served = role.tamper === undefined ? bytes : role.tamper(bytes);
      if (served === undefined) files.delete(file);
      else files.set(file, served);
      for (const [path, target] of role.targets) files.set(`targets/${this.targetFile(path, target)}`, target);
    }
    return files;
  }

  /** The repository as a folder that any web server can serve. */
  async dump(dir: string): Promise<void> {
    for (const [name, bytes] of await this.files()) {
      const file = join(dir, ...name.split("/").map(encodeURIComponent));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  }

  async #meta(name: string): Promise<Content> {
    const bytes = this.promises ? await this.bytes(name) : undefined;
    return { version: this.role(name).version, ...(bytes !== undefined && describe(bytes)) };
  }

  #delegations({ delegations, bins }: SimulatedRole): Content {
    if (bins !== undefined) {
      const bin = this.role(`${bins.name_prefix}-${"0".padStart(Math.ceil(bins.bit_length / 4), "0")}`);
      return { delegations: { keys: keysOf(bin.keys), succinct_roles: { ...given(bin), ...bins } } };
    }
    if (delegations.length === 0) return {};
    const roles = delegations.map(({ name, covered, keys = this.role(name).keys }) => {
      const { threshold } = this.role(name);
      return { keys, json: { name, terminating: false, ...covered, ...given({ keys, threshold }) } };
    });
    return { delegations: { keys: keysOf(roles.flatMap(({ keys }) => keys)), roles: roles.map(({ json }) => json) } };
  }

  #fileOf(name: string): string {
    return name === "timestamp" || !this.consistent ? `${name}.json` : `${this.role(name).version}.${name}.json`;
  }

  /** Section 6.2: a target's name in the repository. */
  targetFile(path: string, bytes: Buffer): string {
    const slash = path.lastIndexOf("/") + 1;
    return this.consistent ? `${path.slice(0, slash)}${sha256(bytes)}.${path.slice(slash)}` : path;
  }

  /** The same content is signed once: some signatures are different each time. */
  async #sign(name: string, content: Content, also: readonly Listed[] = []): Promise<Buffer> {
    const role = this.role(name);
    const header = {
      _type: tops.find((top) => top === name) ?? "targets",
      spec_version: "1.0.31",
      version: role.version,
      expires: formatInstant(role.expires),
    };
    const whole = { ...header, ...content, ...role.extra };
    const bent = role.bend?.(whole) ?? whole;
    const signers = [...(role.signers ?? role.keys), ...also];
    const of = JSON.stringify([bent, signers.map(({ keyid }) => keyid)]);
    const known = this.#signed.get(name);
    if (known?.of === of) return known.bytes;
    const bytes = await signedFile(bent, signers);
    this.#signed.set(name, { of, bytes });
    return bytes;
  }
}

export async function signedFile(content: Content, keys: readonly Listed[]): Promise<Buffer> {
  const signatures = keys.map(async ({ keyid, signer }) => ({ keyid, sig: await signer.sign(canonicalJson(content)) }));
  return Buffer.from(JSON.stringify({ signatures: await Promise.all(signatures), signed: content }));
}

function given({ keys, threshold }: { readonly keys: readonly Listed[]; readonly threshold: number }): Content {
  return { keyids: keys.map(({ keyid }) => keyid), threshold };
}

function keysOf(keys: readonly Listed[]): Content {
  return Object.fromEntries(keys.map(({ keyid, key }) => [keyid, key]));
}

function describe(bytes: Buffer): Content {
  return { length: bytes.length, hashes: { sha256: sha256(bytes) } };
}
