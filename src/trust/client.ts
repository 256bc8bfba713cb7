import { join } from "node:path";
import { jitter, pause } from "#lib/backoff.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { Courier, type CourierProcess } from "#trust/courier.ts";
import { TrustError } from "#trust/error.ts";
import { overHttp, type Fetcher, type Fetching } from "#trust/fetcher.ts";
import { follow, PackedParts, type Following } from "#trust/follow.ts";
import { hashOf, idsOf, unpack, type Chain, type Generation } from "#trust/generation.ts";
import { Generations, type StoredGeneration } from "#trust/generations.ts";
import { limits } from "#trust/limits.ts";
import { Pace } from "#trust/pace.ts";
import type { Part } from "#trust/parts.ts";
import { raise, readState, standing as vouched, writeRefreshed, type Floor } from "#trust/state.ts";
import { Standing, trustedOf, type TrustStatus } from "#trust/status.ts";
import { FileStore } from "#trust/store.ts";
import { together } from "#trust/together.ts";
import { loadRoot, update } from "#trust/updater.ts";

export interface ClientOptions extends Following {
  /** The client's own folder, made with mode 0700. */
  readonly dir: string;
  /** The repository: `URL/timestamp.json`, `URL/targets/…`. https, except on this machine. */
  readonly url: string;
  /** The root that the installer brought. */
  readonly bootstrap: Uint8Array;
  readonly clock: Clock;
  /** PEM certificates of the organisation's own authority. */
  readonly ca?: string | undefined;
  /** http://host:port */
  readonly proxy?: string | undefined;
  /** Starts a process that fetches for this one (`serveCourier` in it); without, this one fetches itself. */
  readonly courier?: (() => CourierProcess) | undefined;
  /** For all metadata of one refresh, in milliseconds. */
  readonly timeoutMs?: number;
  /** A number in [0, 1). */
  readonly random?: () => number;
}

export interface Client {
  /**
   * The whole workflow against the server. Every error is a TrustError; what is enforced is not touched by any. Whoever asks while
   * one is under way gets what that one finds (and the signal of whoever began it counts).
   */
  refresh(signal?: AbortSignal): Promise<Generation>;
  /** What was activated last, without the network: verified again, expired or not. Broken files are reported, not thrown. */
  cached(): Promise<Generation | undefined>;
  /** The cached one first, then each new one, until aborted. Errors are retried and show in `status()`. */
  updates(options: { readonly pollSeconds: number }, signal: AbortSignal): AsyncIterable<Generation>;
  /** Resolves when what was stored verified again and whoever takes `updates` has taken it; or nothing that can be used was stored. */
  readonly recalled: Promise<void>;
  /** Resolves when `updates` has asked the server for the first time, well or not, and whoever takes them has taken what it said. */
  readonly asked: Promise<void>;
  /** There may be news: `updates` looks within seconds, and not more often than every ten. */
  lookSoon(): void;
  /** This generation compiled and is in force: a restart begins with it. @throws TrustError CACHE */
  activated(generation: Generation): Promise<void>;
  /** It verified and cannot be used: the one before stays in force. */
  rejected(generation: Generation, why: string): void;
  status(): TrustStatus;
  /** Nothing is fetched any more. */
  close(): void;
}

const hourMs = 3_600_000;

/** Reads and writes nothing yet. */
export function openClient(options: ClientOptions): Client {
  return new DeviceClient(options);
}

class DeviceClient implements Client {
  readonly #options: ClientOptions;
  readonly #random: () => number;
  readonly #pace: Pace;
  readonly #fetching: Fetching;
  readonly #store: FileStore;
  readonly #generations: Generations;
  readonly #standing = new Standing();
  /** What the last whole look found, by which timestamp, and when; a look that failed found nothing. */
  #found: { readonly id: string; readonly timestamp: string; readonly at: Instant } | undefined;
  #refreshing: Promise<Generation> | undefined;
  readonly #recalled = Promise.withResolvers<void>();
  readonly #asked = Promise.withResolvers<void>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#pace = new Pace(this.#random);
    const { ca, proxy, courier } = options;
    const metadataUrl = options.url.endsWith("/") ? options.url : `${options.url}/`;
    const errand = { metadataUrl, targetsUrl: `${metadataUrl}targets/`, ca, proxy };
    this.#fetching = courier === undefined ? overHttp(errand) : new Courier(courier, errand);
    this.#store = new FileStore(options.dir);
    this.#generations = new Generations(join(options.dir, "generations"));
  }

  get recalled(): Promise<void> {
    return this.#recalled.promise;
  }

  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  refresh(signal?: AbortSignal): Promise<Generation> {
    const look = (): Promise<Generation> => this.#look(signal, (found) => this.#take(found));
    this.#refreshing ??= this.#told(look).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async cached(): Promise<Generation | undefined> {
    const problems: string[] = [];
    const standing = this.#standing;
    const found = await this.#generations.newest(
      async (stored) => {
        await this.#remember(stored.chain);
        return this.#open(stored);
      },
      (problem) => problems.push(problem),
    );
    standing.problems = problems;
    if (found === undefined) return undefined;
    const { id, version } = found.used;
    standing.enforced = { version, id };
    return found.used;
  }

  /** What a stored generation, and the state beside it, say of the time and of how old everything is. */
  async #remember({ set }: Chain): Promise<void> {
    const standing = this.#standing;
    const now = this.#options.clock.now();
    // The newest root says which keys may still vouch for the time; without one, the generation's own.
    const [state, { root }] = await Promise.all([
      readState(this.#store),
      loadRoot(this.#store, this.#options.bootstrap).catch(() => set),
    ]);
    const still = (floor: Floor | undefined): Floor | undefined => vouched(floor, root.roles.timestamp, root.keys);
    const own = still(raise(undefined, set.timestamp?.issued, set.timestampSigners, now));
    standing.refreshed ??= state.refreshed;
    standing.floor ??= raise(still(state.floor), own?.issued, set.timestampSigners, now);
    standing.trusted ??= trustedOf(set);
  }

  async *updates({ pollSeconds }: { readonly pollSeconds: number }, signal: AbortSignal): AsyncIterable<Generation> {
    const pollMs = pollSeconds * 1000;
    const first = await this.cached();
    let last = first?.id;
    if (first !== undefined) yield first;
    this.#recalled.resolve();
    for (let failures = 0; !signal.aborted;) {
      let news: Generation | undefined;
      try {
        news = await this.#told(() => this.#lookIfNeeded(signal, last));
        failures = 0;
      } catch {
        failures += 1; // it stands in status()
      }
      if (news !== undefined) {
        last = news.id;
        yield news;
      }
      this.#asked.resolve();
      const retry = { firstMs: Math.min(5000, pollMs), maxMs: Math.max(pollMs, 300_000) };
      const wait = failures === 0 ? jitter(pollMs, this.#random()) : pause(failures, this.#random(), retry);
      await this.#pace.pause(wait, signal);
    }
  }

  lookSoon(): void {
    this.#pace.lookSoon();
  }

  async activated({ id, version }: Generation): Promise<void> {
    await this.#store.exclusively(() => this.#generations.activate(id));
    this.#standing.enforced = { id, version };
    this.#standing.rejected = undefined;
  }

  rejected({ version }: Generation, why: string): void {
    this.#standing.rejected = { version, why };
  }

  status(): TrustStatus {
    const status = this.#standing.status(this.#options.clock.now());
    return { ...status, problems: [...status.problems, ...this.#store.problems] };
  }

  close(): void {
    this.#fetching.close();
  }

  /**
   * A generation other than `last`. One request, where the last whole look found `last`, within the hour and under the timestamp
   * that is still the server's.
   */
  async #lookIfNeeded(signal: AbortSignal, last: string | undefined): Promise<Generation | undefined> {
    const found = this.#found;
    if (found !== undefined && found.id === last && isWithinAnHour(found.at, this.#options.clock.now())) {
      const { etag } = await readState(this.#store);
      if (etag?.of === found.timestamp) {
        const reply = await this.#fetcher(signal).timestamp(limits.timestamp, etag.value);
        if (reply === "unchanged") return undefined;
      }
    }
    return this.#look(signal, async (looked) => (looked.id === last ? undefined : this.#take(looked)));
  }

  /** The whole workflow, and what `make` makes of what it found: all of it, or this look has failed. */
  #look<T>(signal: AbortSignal | undefined, make: (looked: Looked) => Promise<T>): Promise<T> {
    return this.#store.exclusively(async () => {
      const now = this.#options.clock.now();
      const fetcher = this.#fetcher(signal);
      const updated = await update({ fetcher, store: this.#store, bootstrap: this.#options.bootstrap, now });
      const { set, targets, floor } = updated;
      const standing = this.#standing;
      [standing.trusted, standing.floor] = [trustedOf(set), floor];
      const made = await standing.refreshing(now, async () => {
        const parts = new PackedParts(set, this.#generations, fetcher);
        const { used, problem } = await follow(updated, this.#options, (one) => parts.unpacked(one));
        await this.#store.keepRoles(set.files.keys());
        [standing.trusted, standing.problem] = [trustedOf(set), problem];
        const { id } = idsOf({ set, used });
        const some = await make({ id, chain: { set, targets, used }, parts });
        this.#found = { id, timestamp: hashOf(set, "timestamp"), at: now };
        return some;
      });
      await writeRefreshed(this.#store, now);
      return made;
    });
  }

  /** The generation that is here already, or is fetched and kept. */
  async #take({ id, chain, parts }: Looked): Promise<Generation> {
    const stored = await this.#generations.find(id);
    if (stored !== undefined) return this.#open(stored);
    const packed = await together(chain.used, async (one) => [one.part.path, await parts.packed(one)] as const);
    const found = { id, chain, packed: new Map(packed) };
    const generation = await this.#open(found);
    await this.#generations.add(found);
    return generation;
  }

  async #open({ chain: { set, targets, used }, packed }: StoredGeneration): Promise<Generation> {
    const unpacked = await together(used, async ({ part }) => {
      const bytes = await unpack(packed.get(part.path) ?? new Uint8Array(), part.path, part.bound);
      return { part, bytes };
    });
    const only = (kind: Part["kind"]): Uint8Array | undefined => unpacked.find(({ part }) => part.kind === kind)?.bytes;
    const needed = (kind: Part["kind"]): Uint8Array => {
      const bytes = only(kind);
      if (bytes === undefined) throw new TrustError("CACHE", `there is no ${kind}`);
      return bytes;
    };
    const groups = unpacked.filter(({ part }) => part.kind === "group");
    return {
      ...idsOf({ set, used }),
      version: targets.version,
      policy: needed("policy"),
      catalog: needed("catalog"),
      devices: only("devices"),
      groups: new Map(groups.map(({ part, bytes }) => [part.name, bytes])),
      exceptions: only("exceptions"),
      floor: this.#standing.floorInstant,
      state: this.#standing.freshness(this.#options.clock.now()),
    };
  }

  async #told<T>(act: () => Promise<T>): Promise<T> {
    try {
      const result = await act();
      this.#standing.lastError = undefined;
      return result;
    } catch (error) {
      const known = error instanceof TrustError ? error : new TrustError("CACHE", describe(error), { cause: error });
      this.#standing.lastError = { code: known.code, message: describe(known), at: this.#options.clock.now() };
      throw known;
    }
  }

  #fetcher(signal: AbortSignal | undefined): Fetcher {
    return this.#fetching.fetcher(this.#options.timeoutMs ?? 15_000, signal);
  }
}

interface Looked {
  readonly id: string;
  readonly chain: Chain;
  readonly parts: PackedParts;
}

function isWithinAnHour(before: Instant, now: Instant): boolean {
  return before <= now && now - before < hourMs;
}
