import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { readBounded, syncFolder, temporaryEnding, writeAtomic } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { LockedError, withLock } from "#lib/file-lock.ts";
import { TrustError } from "#trust/error.ts";
import { topRoles } from "#trust/metadata.ts";
import { sha256 } from "#trust/sha256.ts";

/** Small files by name. What is read back is as hostile as what came from outside: it is verified again. */
export interface MetadataStore {
  /** Undefined where there is none, or none that can be read: a broken file is never a reason to stop. */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Durable when it resolves. @throws TrustError CACHE, with the old file still there */
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** How long somebody else may be at work in the folder. */
const lockWaitMs = 20_000;

/** Names of files that are more than their letters: the top-level roles in any case, and devices of Windows. */
const taken = /^(?:root|timestamp|snapshot|targets|(?:con|prn|aux|nul|(?:com|lpt)\d)(?:\..*)?)$/is;
/** So that a temporary name fits too (255 bytes in most filesystems). */
const longestName = 200;

/**
 * The file of a role, whatever the role is called: one name in one folder, and never another role's. Everything but letters,
 * digits and `-_.~` is percent-encoded (RFC 3986 section 2.1), a name that is taken begins so, and one that is too long is its hash.
 */
export function roleFile(role: string): string {
  if (topRoles.some((top) => top === role)) return `${role}.json`;
  const encoded = encodeURIComponent(role).replace(/[!'()*]/g, escaped);
  const name = taken.test(role) ? encoded.replace(/^./, escaped) : encoded;
  return name.length > longestName ? `%sha256-${sha256(role)}.json` : `${name}.json`;
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The folder of one client: `root.json`, `timestamp.json`, `snapshot.json`, `targets.json`, `<role>.json`, `state`, `bootstrap`. */
export class FileStore implements MetadataStore {
  readonly dir: string;
  readonly #damaged = new Map<string, string>();

  constructor(dir: string) {
    this.dir = dir;
  }

  /** What was found damaged since this was opened, and done without. */
  get problems(): readonly string[] {
    return [...this.#damaged.values()];
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readBounded(join(this.dir, name), maxBytes);
      if (!isWhole(bytes)) this.#damaged.set(name, `${name} is cut or empty`);
      return bytes;
    } catch (error) {
      if (systemCode(error) !== "ENOENT") this.#damaged.set(name, `${name} cannot be read: ${describe(error)}`);
      return undefined;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.dir, name);
    await storing(name, async () => {
      try {
        await writeAtomic(file, bytes);
      } catch (error) {
        // rename(2) replaces a link or a FIFO, but not a folder that came to stand there.
        if (systemCode(error) !== "EISDIR") throw error;
        await rm(file, { recursive: true });
        await writeAtomic(file, bytes);
      }
    });
  }

  async remove(name: string): Promise<void> {
    await storing(name, async () => {
      await rm(join(this.dir, name), { recursive: true, force: true });
      await syncFolder(this.dir);
    });
  }

  /** Removes the roles that are in use no more; only under the lock. */
  async keepRoles(roles: Iterable<string>): Promise<void> {
    const kept = new Set([...roles].map(roleFile));
    await storing("the folder", async () => {
      for (const name of await readdir(this.dir))
        if (name.endsWith(".json") && !kept.has(name)) await rm(join(this.dir, name), { recursive: true, force: true });
    });
  }

  /** Runs `work` as the only one at work in this folder, having made it and swept away what a dead writer left. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await storing("the folder", () => mkdir(this.dir, { recursive: true, mode: 0o700 }));
    return storing("the folder", async () => {
      try {
        return await withLock(join(this.dir, "lock"), lockWaitMs, async () => {
          await sweep(this.dir);
          return work();
        });
      } catch (error) {
        if (!(error instanceof LockedError)) throw error;
        throw new TrustError("CACHE", `another process is at work in ${this.dir}`, { cause: error });
      }
    });
  }
}

/** Everything in a store is one JSON object; white space may follow it. What is cut lacks its end, and zeros its beginning. */
function isWhole(bytes: Uint8Array): boolean {
  const last = bytes.findLast((byte) => ![0x20, 0x0a, 0x0d, 0x09].includes(byte));
  return bytes[0] === 0x7b && last === 0x7d;
}

/** For a client that forgets: an administrator's look at a repository, or a test. */
export class MemoryStore implements MetadataStore {
  readonly #files = new Map<string, Uint8Array>();

  read(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#files.get(name));
  }
  write(name: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(name, bytes);
    return Promise.resolve();
  }
  remove(name: string): Promise<void> {
    this.#files.delete(name);
    return Promise.resolve();
  }
}

/** Runs an act on the store. @throws TrustError CACHE for a system error; anything else as it is */
export async function storing<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof TrustError || systemCode(error) === undefined) throw error;
    throw new TrustError("CACHE", `${file} cannot be stored`, { file, cause: error });
  }
}

/** Removes temporary files and folders of writers that died; only under the lock, whose own are younger and spared. */
export async function sweep(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (name.startsWith(".") && name.endsWith(temporaryEnding))
      await rm(join(dir, name), { recursive: true, force: true });
}

/** Puts a finished folder where its name says, durably; whatever stood there is gone. */
export async function replaceFolder(from: string, to: string, parent: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
  await syncFolder(parent);
}
