import { join } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import type { Clock } from "#lib/clock.ts";
import { systemCode } from "#lib/errors.ts";
import { HttpClient } from "#lib/request.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher, type Fetcher, type Timestamped } from "#trust/fetcher.ts";
import { deviceTarget, deviceTargets, unpack } from "#trust/generation.ts";
import { limits } from "#trust/limits.ts";
import { MemoryStore } from "#trust/store.ts";
import { fetchTarget, update, type Updated } from "#trust/updater.ts";

export interface RepositoryAddress {
  /** A folder, or the URL it is served under. */
  readonly repo: string;
  /** The root one trusts; needed for a URL. A folder's own first root is taken where none is given. */
  readonly root?: Uint8Array | undefined;
  readonly clock: Clock;
  readonly ca?: string | undefined;
}

/** A repository as it stands, verified; what has expired is there too, so that it can be signed anew. */
export interface Current extends Updated {
  /** Unpacked; undefined where none was published yet. */
  readonly policy: Uint8Array | undefined;
  readonly catalog: Uint8Array | undefined;
}

/** @throws TrustError */
export function readRepository(address: RepositoryAddress): Promise<Current> {
  return opened(address, async (fetcher, root) => {
    const updated = await look(fetcher, root, address.clock);
    const [policy, catalog] = await Promise.all(
      deviceTargets.map(async ({ path, bound }) => {
        if (!updated.targets.targets.has(path)) return undefined;
        return unpack(await fetchTarget(updated.set, deviceTarget(updated.targets, path), fetcher), path, bound);
      }),
    );
    return { ...updated, policy, catalog };
  });
}

/** The roles alone. @throws TrustError */
export function readRoles(address: RepositoryAddress): Promise<Updated> {
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

function look(fetcher: Fetcher, bootstrap: Uint8Array, clock: Clock): Promise<Updated> {
  return update({ fetcher, store: new MemoryStore(), bootstrap, now: clock.now(), expired: "reported" });
}

export function isUrl(repo: string): boolean {
  return /^https?:\/\//.test(repo);
}

async function firstRoot(dir: string): Promise<Uint8Array> {
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
    try {
      return await readBounded(join(this.#dir, name), maxBytes);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw new TrustError("CACHE", `${name} cannot be read`, { file: name, cause: error });
    }
  }

  async timestamp(maxBytes: number): Promise<Timestamped> {
    return { bytes: await this.#needed("timestamp.json", maxBytes), etag: undefined };
  }

  target(name: string, length: number): Promise<Uint8Array> {
    return this.#needed(join("targets", name), length);
  }

  async #needed(name: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.metadata(name, maxBytes);
    if (bytes === undefined) throw new TrustError("CACHE", `${join(this.#dir, name)} is missing`, { file: name });
    return bytes;
  }
}
