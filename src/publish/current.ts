import { join } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import type { Clock } from "#lib/clock.ts";
import { systemCode } from "#lib/errors.ts";
import { HttpClient } from "#lib/request.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher, type Fetcher, type Timestamped } from "#trust/fetcher.ts";
import { deviceTargets, unpack } from "#trust/generation.ts";
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
export async function readRepository({ repo, root, clock, ca }: RepositoryAddress): Promise<Current> {
  if (!isUrl(repo)) return look(new FolderFetcher(repo), root ?? (await firstRoot(repo)), clock);
  if (root === undefined)
    throw new TrustError("CACHE", `say which root is trusted before anything of ${repo} is signed`);
  const http = new HttpClient({ ca });
  try {
    const metadataUrl = repo.endsWith("/") ? repo : `${repo}/`;
    const fetcher = new HttpFetcher({ http, metadataUrl, targetsUrl: `${metadataUrl}targets/`, timeoutMs: 30_000 });
    return await look(fetcher, root, clock);
  } finally {
    http.close();
  }
}

export function isUrl(repo: string): boolean {
  return /^https?:\/\//.test(repo);
}

async function look(fetcher: Fetcher, bootstrap: Uint8Array, clock: Clock): Promise<Current> {
  const store = new MemoryStore();
  const updated = await update({ fetcher, store, bootstrap, now: clock.now(), expired: "reported" });
  const [policy, catalog] = await Promise.all(
    deviceTargets.map(async ({ path, bound }) => {
      const target = updated.targets.targets.get(path);
      return target && unpack(await fetchTarget(updated.set, target, fetcher), path, bound);
    }),
  );
  return { ...updated, policy, catalog };
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
