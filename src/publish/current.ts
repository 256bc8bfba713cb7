import { basename, join } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import type { Clock } from "#lib/clock.ts";
import { systemCode } from "#lib/errors.ts";
import { HttpClient } from "#lib/request.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher, targetSegments, type Fetcher, type Timestamped } from "#trust/fetcher.ts";
import { unpack } from "#trust/generation.ts";
import { limits } from "#trust/limits.ts";
import type { Targets } from "#trust/metadata.ts";
import { exceptionsPath, groupPath, partOf } from "#trust/parts.ts";
import { MemoryStore } from "#trust/store.ts";
import { fetchTarget, update, type Updated } from "#trust/updater.ts";
import { groupOf } from "#publish/names.ts";

export interface RepositoryAddress {
  /** A folder, or the URL it is served under. */
  readonly repo: string;
  /** The root one trusts; needed for a URL. A folder's own first root is taken where none is given. */
  readonly root?: Uint8Array | undefined;
  readonly clock: Clock;
  readonly ca?: string | undefined;
}

/** What devices have, unpacked: JSON. Undefined where none was published yet. */
export interface Contents {
  readonly policy: Uint8Array | undefined;
  readonly catalog: Uint8Array | undefined;
  readonly devices: Uint8Array | undefined;
  /** By the group's name. */
  readonly groups: ReadonlyMap<string, Uint8Array>;
}

/** A repository as it stands, verified; what has expired is there too, so that it can be signed anew. */
export interface Current extends Roles, Contents {}

export interface Roles extends Updated {
  /** Delegated roles that the snapshot knows, by name. */
  readonly delegated: ReadonlyMap<string, Targets>;
}

/** @throws TrustError */
export function readRepository(address: RepositoryAddress): Promise<Current> {
  return opened(address, async (fetcher, root) => {
    const roles = await look(fetcher, root, address.clock);
    const read = async (path: string, { targets }: Targets = roles.targets): Promise<Uint8Array | undefined> => {
      const target = targets.get(path);
      return target && unpack(await fetchTarget(roles.set, target, fetcher), path, partOf(path)?.bound ?? 0);
    };
    const [policy, catalog, devices] = await Promise.all(
      ["policy.json", "catalog.json", "devices.json"].map((path) => read(path)),
    );
    const groups = new Map<string, Uint8Array>();
    for (const [role, delegated] of roles.delegated) {
      const group = groupOf(role);
      const bytes = group === undefined ? undefined : await read(groupPath(group), delegated);
      if (group !== undefined && bytes !== undefined) groups.set(group, bytes);
    }
    return { ...roles, policy, catalog, devices, groups };
  });
}

/** The roles alone. @throws TrustError */
export function readRoles(address: RepositoryAddress): Promise<Roles> {
  return opened(address, (fetcher, root) => look(fetcher, root, address.clock));
}

async function opened<T>(
  { repo, root, ca }: RepositoryAddress,
  read: (fetcher: Fetcher, root: Uint8Array) => Promise<T>,
): Promise<T> {
  if (!isUrl(repo)) return read(new FolderFetcher(repo), root ?? (await firstRoot(repo)));
  if (root === undefined) throw new TrustError("CACHE", `say which root is trusted: ${repo} cannot vouch for itself`);
  const http = new HttpClient({ ca });
  try {
    const metadataUrl = repo.endsWith("/") ? repo : `${repo}/`;
    const targetsUrl = `${metadataUrl}targets/`;
    return await read(new HttpFetcher({ http, metadataUrl, targetsUrl, timeoutMs: 30_000 }), root);
  } finally {
    http.close();
  }
}

async function look(fetcher: Fetcher, bootstrap: Uint8Array, clock: Clock): Promise<Roles> {
  const store = new MemoryStore();
  const updated = await update({ fetcher, store, bootstrap, now: clock.now(), expired: "reported" });
  return { ...updated, delegated: await findDelegated(updated) };
}

/**
 * Every role that the top-level one delegates to and the snapshot knows, found as a device finds it: by a path that it asks for.
 * One that has expired is among them; devices follow a department's too.
 */
export async function findDelegated({ set, targets, find }: Updated): Promise<ReadonlyMap<string, Targets>> {
  const found = new Map<string, Targets>();
  for (const role of targets.delegations?.roles.keys() ?? []) {
    const group = groupOf(role);
    await find(group === undefined ? exceptionsPath("00") : groupPath(group), "reported");
    const delegated = set.delegated(role);
    if (delegated !== undefined) found.set(role, delegated);
  }
  return found;
}

export function isUrl(repo: string): boolean {
  return /^https?:\/\//.test(repo);
}

/** What devices of this repository are installed with. @throws TrustError CACHE */
export async function firstRoot(dir: string): Promise<Uint8Array> {
  const root = await new FolderFetcher(dir).metadata("1.root.json", limits.root);
  if (root === undefined)
    throw new TrustError("CACHE", `${dir} is not a repository: it has no 1.root.json`, { file: "root" });
  return root;
}

/** A repository that lies on this machine. */
export class FolderFetcher implements Fetcher {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async metadata(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#read([name], maxBytes);
  }

  async timestamp(maxBytes: number): Promise<Timestamped> {
    return { bytes: await this.#needed(["timestamp.json"], maxBytes), etag: undefined };
  }

  async target(name: string, length: number): Promise<Uint8Array> {
    return this.#needed(["targets", ...targetSegments(name)], length);
  }

  async #needed(names: readonly string[], maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#read(names, maxBytes);
    if (bytes !== undefined) return bytes;
    const file = names.join("/");
    throw new TrustError("CACHE", `${join(this.#dir, file)} is missing`, { file });
  }

  /** Names of roles and targets are written by others: each is one name in its folder. */
  async #read(names: readonly string[], maxBytes: number): Promise<Uint8Array | undefined> {
    const file = names.join("/");
    if (names.some((name) => name === ".." || basename(name) !== name))
      throw new TrustError("FORMAT", `"${file}" is no file of a repository`, { file });
    try {
      return await readBounded(join(this.#dir, ...names), maxBytes);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw new TrustError("CACHE", `${file} cannot be read`, { file, cause: error });
    }
  }
}
