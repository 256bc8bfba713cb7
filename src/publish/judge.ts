import type { Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import type { Fetcher, Timestamped } from "#trust/fetcher.ts";
import type { TopRole } from "#trust/metadata.ts";
import { MemoryStore } from "#trust/store.ts";
import { fetchTarget, update } from "#trust/updater.ts";
import { findDelegated, FolderFetcher } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";

/** The metadata that a device has which saw everything there was. */
export type Seen = Readonly<Record<TopRole, Uint8Array>>;

export interface Judged {
  readonly dir: string;
  /** Path in the repository → bytes that would lie there. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The first root: what devices are installed with. */
  readonly bootstrap: Uint8Array;
  readonly seen: Seen | undefined;
  /** "targets" and delegated roles that become others: their files are looked at too. */
  readonly changed?: readonly string[];
  readonly now: Instant;
}

/**
 * Lets our own client look at a repository as it would be: as a device that has seen what is in force, and as a new one.
 * @throws TrustError for what either of them would not take
 */
export async function judge({ dir, files, bootstrap, seen, changed = [], now }: Judged): Promise<void> {
  const fetcher = new Overlay(new FolderFetcher(dir), files);
  for (const device of seen === undefined ? [undefined] : [seen, undefined]) {
    const store = new MemoryStore();
    if (device !== undefined) {
      await store.write("bootstrap", bootstrap);
      for (const [role, bytes] of Object.entries(device)) await store.write(`${role}.json`, bytes);
    }
    const updated = await update({ fetcher, store, bootstrap, now });
    const delegated = await findDelegated(updated);
    for (const role of changed) {
      const read = role === "targets" ? updated.targets : delegated.get(role);
      if (read === undefined) throw new PublishError("PROPOSAL", `no device would ask ${role}`);
      for (const target of read.targets.values()) await fetchTarget(updated.set, target, fetcher);
    }
  }
}

/** A folder, with some files in the place of its own. */
class Overlay implements Fetcher {
  readonly #below: FolderFetcher;
  readonly #files: ReadonlyMap<string, Uint8Array>;

  constructor(below: FolderFetcher, files: ReadonlyMap<string, Uint8Array>) {
    this.#below = below;
    this.#files = files;
  }

  async metadata(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = this.#files.get(name);
    if (bytes === undefined) return this.#below.metadata(name, maxBytes);
    if (bytes.length > maxBytes)
      throw new TrustError("LIMIT", `${name} has ${bytes.length} bytes, at most ${maxBytes} are allowed`, {
        file: name,
      });
    return bytes;
  }

  async timestamp(maxBytes: number): Promise<Timestamped> {
    const bytes = await this.metadata("timestamp.json", maxBytes);
    return bytes === undefined ? this.#below.timestamp(maxBytes) : { bytes, etag: undefined };
  }

  async target(name: string, length: number): Promise<Uint8Array> {
    return this.#files.get(`targets/${name}`) ?? this.#below.target(name, length);
  }
}
