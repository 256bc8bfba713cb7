import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { FileWatch, type Changed, type FileWatchHealth } from "#observe/file-watch.ts";
import type { Identifier } from "#observe/identify.ts";
import { Lru } from "#observe/lru.ts";
import { installedAt, packagesIn, Scan } from "#observe/scan.ts";
import type { Platform } from "#platform/platform.ts";
import type { Evidence, Reading } from "#policy/evidence.ts";

/** Installed things whose last evidence is remembered, so that looking twice does not say it twice. */
const remembered = 100_000;

export interface InventoryHealth {
  readonly files: FileWatchHealth;
  /** When the last whole scan ended, ISO 8601, what it found, and what it could not read. */
  readonly scanned: { readonly at: string; readonly found: number; readonly unreadable: number } | undefined;
  readonly error: string | undefined;
}

/** What is installed: watched as it changes, and looked through as a whole now and then. */
export class Inventory {
  readonly #platform: Platform;
  readonly #clock: Clock;
  readonly #identifier: () => Identifier;
  readonly #give: (evidence: Evidence) => void;
  readonly #signal: AbortSignal;
  readonly #files: FileWatch;
  readonly #given = new Lru<string, string>(remembered);
  #scan: Promise<void> | undefined;
  #again = false;
  #scanned: InventoryHealth["scanned"];
  #error: string | undefined;

  constructor(options: {
    readonly platform: Platform;
    readonly clock: Clock;
    readonly identifier: () => Identifier;
    readonly give: (evidence: Evidence) => void;
    readonly signal: AbortSignal;
  }) {
    this.#platform = options.platform;
    this.#clock = options.clock;
    this.#identifier = options.identifier;
    this.#give = options.give;
    this.#signal = options.signal;
    this.#files = new FileWatch((changed) => void this.#look(changed));
    this.#signal.addEventListener("abort", () => void this.#files.close(), { once: true });
  }

  get health(): InventoryHealth {
    return { files: this.#files.health, scanned: this.#scanned, error: this.#error };
  }

  /** All that is installed is given again, by a scan that begins after this: one that is going on may read for an older policy. */
  async giveAgain(): Promise<void> {
    this.#again = true;
    await this.#scan;
    if (!this.#again) return; // another caller's scan has begun since
    this.#again = false;
    this.#given.clear();
    await this.scan();
  }

  /** Watches every person's folders and looks through them once. One scan at a time: a second call waits for the first. */
  async scan(): Promise<void> {
    this.#scan ??= this.#scanNow().finally(() => (this.#scan = undefined));
    await this.#scan;
  }

  async #scanNow(): Promise<void> {
    try {
      const roots = this.#platform.installRoots(await this.#platform.people());
      await this.#files.add(roots);
      const { os } = this.#platform;
      const scan = new Scan({ identifier: this.#identifier(), roots, os, signal: this.#signal });
      let found = 0;
      for await (const evidence of scan) {
        if (this.#signal.aborted) return;
        found += 1;
        this.#giveOnce(evidence);
      }
      this.#scanned = { at: formatInstant(this.#clock.now()), found, unreadable: scan.unreadable.count };
      this.#error = undefined;
    } catch (error) {
      this.#error = describe(error); // the next scan tries again; health says so meanwhile
    }
  }

  async #look(changed: Changed): Promise<void> {
    try {
      const identifier = this.#identifier();
      const found =
        changed.what === "packages"
          ? await packagesIn(identifier, changed.folder)
          : await installedAt(identifier, changed);
      for (const evidence of found) this.#giveOnce(evidence);
    } catch (error) {
      this.#error = describe(error);
    }
  }

  #giveOnce(evidence: Evidence): void {
    const { file, seen } = evidence;
    // One file can list several, and a database has one package in several versions.
    const where = JSON.stringify(
      file === undefined ? seen.package : [file.path, idsOf(seen.package), idsOf(seen.extension)],
    );
    const what = JSON.stringify([file?.ino, file?.size, seen]);
    if (this.#given.get(where) === what) return;
    this.#given.set(where, what);
    this.#give(evidence);
  }
}

function idsOf(read: Reading<{ readonly id: string }>): readonly string[] {
  return "value" in read ? read.value.map(({ id }) => id) : [];
}
