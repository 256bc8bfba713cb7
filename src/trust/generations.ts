import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readBounded, syncFolder, temporaryEnding, writeNew } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { TrustError } from "#trust/error.ts";
import { boundOf, idsOf, packedFile, verifyGeneration, type Chain } from "#trust/generation.ts";
import type { TargetFile } from "#trust/metadata.ts";
import { replaceFolder, roleFile, storing, sweep } from "#trust/store.ts";
import { together } from "#trust/together.ts";
import { verifyBytes } from "#trust/verify.ts";

/** A generation that verifies. */
export interface StoredGeneration {
  readonly id: string;
  readonly chain: Chain;
  /** Path of a part → its bytes, as signed. */
  readonly packed: ReadonlyMap<string, Uint8Array>;
}

/**
 * Generations as folders: `candidate-ID` is verified and complete, `active-NUMBER-ID` was activated too. Activation is one
 * rename(2) of a folder, so there is no pointer that could be damaged; the highest number is in force, and two
 * before it are kept for the day on which it cannot be read.
 */
export class Generations {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * The newest active generation that verifies and that `use` takes, and what `use` made of it. `report` is told of each that
   * cannot be used.
   */
  async newest<T>(
    use: (stored: StoredGeneration) => Promise<T>,
    report: (problem: string) => void,
  ): Promise<{ readonly stored: StoredGeneration; readonly used: T } | undefined> {
    for (const folder of await this.#list(report)) {
      if (folder.number === undefined) continue;
      try {
        const stored = await this.#load(folder);
        return { stored, used: await use(stored) };
      } catch (error) {
        report(`${folder.name} cannot be used: ${describe(error)}`);
      }
    }
    return undefined;
  }

  /** That very generation, active or not, if it is here and verifies. */
  async find(id: string): Promise<StoredGeneration | undefined> {
    for (const folder of await this.#list()) {
      if (folder.id !== id.slice(0, idLength)) continue;
      try {
        const found = await this.#load(folder);
        if (found.id === id) return found;
      } catch {
        // damaged: it will be fetched again
      }
    }
    return undefined;
  }

  /** A part's bytes, where one of the generations here has the very same: they are not fetched again. */
  async packed(file: TargetFile): Promise<Uint8Array | undefined> {
    for (const { name } of await this.#list()) {
      try {
        const bytes = await readBounded(join(this.#dir, name, packedFile(file.path)), file.length);
        verifyBytes(bytes, file, file.path);
        return bytes;
      } catch {
        // another version, or none
      }
    }
    return undefined;
  }

  /** Stores a generation that was verified a moment ago; it appears as a whole or not at all. @throws TrustError CACHE */
  async add({ id, chain: { set, used }, packed }: StoredGeneration): Promise<void> {
    const files = new Map<string, Uint8Array>();
    for (const [role, bytes] of set.files) files.set(roleFile(role), bytes);
    for (const { part } of used) files.set(packedFile(part.path), packed.get(part.path) ?? new Uint8Array());
    await storing("the generation", async () => {
      await this.#make();
      await sweep(this.#dir);
      const temporary = join(this.#dir, `.${randomUUID()}${temporaryEnding}`);
      try {
        await mkdir(temporary, { mode: 0o700 });
        for (const [name, bytes] of files) await writeNew(join(temporary, name), bytes);
        await syncFolder(temporary);
        await this.#forgetCandidates();
        await replaceFolder(temporary, join(this.#dir, `candidate-${id.slice(0, idLength)}`), this.#dir);
      } catch (error) {
        await rm(temporary, { recursive: true, force: true });
        throw error;
      }
    });
  }

  /** What is no folder stands in the way of all that comes. */
  async #make(): Promise<void> {
    const isFolder = await stat(this.#dir).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder) return;
    await rm(this.#dir, { force: true });
    await mkdir(this.#dir, { mode: 0o700 });
  }

  /** One that was refused may be followed by many more: only the last two wait to be activated. */
  async #forgetCandidates(): Promise<void> {
    const waiting = (await this.#list()).filter((folder) => folder.number === undefined);
    const dated = await Promise.all(
      waiting.map(async ({ name }) => ({ name, at: (await lstat(join(this.#dir, name))).mtimeMs })),
    );
    for (const { name } of dated.toSorted((a, b) => b.at - a.at).slice(1))
      await rm(join(this.#dir, name), { recursive: true, force: true });
  }

  /** From now on this one is in force, also after a restart. @throws TrustError CACHE */
  async activate(id: string): Promise<void> {
    await storing("the generation", async () => {
      const folders = await this.#list();
      const last = folders.find((folder) => folder.number !== undefined);
      const short = id.slice(0, idLength);
      // The candidate; or what was in force before and comes back, as when an exception was granted and is withdrawn.
      const same = folders.toReversed().find((folder) => folder.id === short);
      if (same === undefined) throw new TrustError("CACHE", `there is no generation ${short}`);
      if (same === last) return;
      const number = String((last?.number ?? 0) + 1).padStart(numberLength, "0");
      await replaceFolder(join(this.#dir, same.name), join(this.#dir, `active-${number}-${short}`), this.#dir);
      const kept = folders.filter((folder) => folder.number !== undefined && folder !== same).slice(0, 2);
      for (const folder of folders)
        if (!kept.includes(folder)) await rm(join(this.#dir, folder.name), { recursive: true, force: true });
    });
  }

  /** Active ones first, the newest at the head. */
  async #list(report?: (problem: string) => void): Promise<readonly Folder[]> {
    const names = await readdir(this.#dir).catch((error: unknown) => {
      if (systemCode(error) !== "ENOENT") report?.(`the generations cannot be read: ${describe(error)}`);
      return [];
    });
    const found = names.flatMap((name) => folderOf(name) ?? []);
    return found.toSorted((a, b) => (b.number ?? 0) - (a.number ?? 0));
  }

  async #load({ name, id }: Folder): Promise<StoredGeneration> {
    const dir = join(this.#dir, name);
    const files = new Map<string, Uint8Array>();
    await together(await readdir(dir), async (file) => {
      const bound = boundOf(file);
      const bytes = bound === undefined ? undefined : await readBounded(join(dir, file), bound).catch(() => undefined);
      if (bytes !== undefined) files.set(file, bytes);
    });
    const chain = await verifyGeneration(files);
    const found = idsOf(chain).id;
    // A group's or an exceptions' file that is gone is noticed here.
    if (found.slice(0, idLength) !== id) throw new TrustError("CACHE", "it is not whole");
    const packed = chain.used.map(
      ({ part: { path } }) => [path, files.get(packedFile(path)) ?? new Uint8Array()] as const,
    );
    return { id: found, chain, packed: new Map(packed) };
  }
}

interface Folder {
  readonly name: string;
  /** The beginning of the id. */
  readonly id: string;
  readonly number: number | undefined;
}

const idLength = 16;
const numberLength = 10;

function folderOf(name: string): Folder | undefined {
  const [, number, id] = /^(?:candidate|active-(\d{10}))-([0-9a-f]{16})$/.exec(name) ?? [];
  return id === undefined ? undefined : { name, id, number: number === undefined ? undefined : Number(number) };
}
