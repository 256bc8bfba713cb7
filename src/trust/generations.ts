import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readBounded, syncFolder, temporaryEnding, writeNew } from "#lib/atomic-file.ts";
import { describe } from "#lib/errors.ts";
import { generationFiles, idOf, verifyGeneration, type Chain } from "#trust/generation.ts";
import { replaceFolder, storing, sweep } from "#trust/store.ts";

/** A generation on disk that verifies. */
export interface StoredGeneration {
  readonly id: string;
  readonly active: boolean;
  readonly chain: Chain;
  readonly files: ReadonlyMap<string, Uint8Array>;
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

  /** The newest active generation that verifies. `report` is told of each that does not. */
  async newest(report: (problem: string) => void): Promise<StoredGeneration | undefined> {
    for (const folder of await this.#list()) {
      if (folder.number === undefined) continue;
      try {
        return await this.#load(folder);
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

  /** Stores a generation that was verified a moment ago; it appears as a whole or not at all. @throws TrustError CACHE */
  async add(id: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await storing("the generation", async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      await sweep(this.#dir);
      const temporary = join(this.#dir, `.${randomUUID()}${temporaryEnding}`);
      try {
        await mkdir(temporary, { mode: 0o700 });
        for (const [name, bytes] of files) await writeNew(join(temporary, name), bytes);
        await syncFolder(temporary);
        await replaceFolder(temporary, join(this.#dir, `candidate-${id.slice(0, idLength)}`), this.#dir);
      } catch (error) {
        await rm(temporary, { recursive: true, force: true });
        throw error;
      }
    });
  }

  /** From now on this one is in force, also after a restart. @throws TrustError CACHE */
  async activate(id: string): Promise<void> {
    await storing("the generation", async () => {
      const folders = await this.#list();
      const last = folders.find((folder) => folder.number !== undefined);
      const short = id.slice(0, idLength);
      const isNew = folders.some((folder) => folder.number === undefined && folder.id === short);
      if (!isNew && last?.id === short) return;
      const number = String((last?.number ?? 0) + 1).padStart(numberLength, "0");
      await replaceFolder(
        join(this.#dir, `candidate-${short}`),
        join(this.#dir, `active-${number}-${short}`),
        this.#dir,
      );
      const kept = folders.filter((folder) => folder.number !== undefined).slice(0, 2);
      for (const folder of folders)
        if (!kept.includes(folder)) await rm(join(this.#dir, folder.name), { recursive: true, force: true });
    });
  }

  /** Active ones first, the newest at the head. */
  async #list(): Promise<readonly Folder[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const found = names.flatMap((name) => folderOf(name) ?? []);
    return found.toSorted((a, b) => (b.number ?? 0) - (a.number ?? 0));
  }

  async #load({ name, number }: Folder): Promise<StoredGeneration> {
    const files = new Map<string, Uint8Array>();
    for (const file of generationFiles)
      files.set(file.name, await readBounded(join(this.#dir, name, file.name), file.bound));
    const chain = verifyGeneration(files);
    return { id: idOf(chain.set), active: number !== undefined, chain, files };
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
