import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jitter, pause } from "#lib/backoff.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { HttpClient } from "#lib/request.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { TrustError, type TrustCode } from "#trust/error.ts";
import { HttpFetcher, type Fetcher } from "#trust/fetcher.ts";
import { deviceTarget, deviceTargets, idOf, unpack, type Freshness, type Generation } from "#trust/generation.ts";
import { Generations, type StoredGeneration } from "#trust/generations.ts";
import { limits } from "#trust/limits.ts";
import { topRoles, type Timestamp, type TopRole } from "#trust/metadata.ts";
import { notBefore, raise, readState, sha256, standing, type Floor } from "#trust/state.ts";
import { FileStore } from "#trust/store.ts";
import type { TrustedSet } from "#trust/trusted-set.ts";
import { fetchTarget, lastHeard, loadRoot, update } from "#trust/updater.ts";

export interface ClientOptions {
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
  /** For all metadata of one refresh, in milliseconds. */
  readonly timeoutMs?: number;
  /** A number in [0, 1). */
  readonly random?: () => number;
}

export interface TrustStatus {
  /** "empty": nothing was ever activated here. */
  readonly state: Freshness | "empty";
  /** What is in force. */
  readonly enforced: { readonly version: number; readonly id: string } | undefined;
  /** The newest one that verified and could not be used, and why. */
  readonly rejected: { readonly version: number; readonly why: string } | undefined;
  readonly floor: Instant;
  readonly refreshed: Instant | undefined;
  readonly lastError: { readonly code: TrustCode; readonly message: string; readonly at: Instant } | undefined;
  /** What was found broken in the store and worked around. */
  readonly problems: readonly string[];
  readonly roles: Readonly<Partial<Record<TopRole, { readonly version: number; readonly expires: Instant }>>>;
}

export interface Client {
  /** The whole workflow against the server. Every error is a TrustError; what is enforced is not touched by any. */
  refresh(signal?: AbortSignal): Promise<Generation>;
  /** What was activated last, without the network: verified again, expired or not. Broken files are reported, not thrown. */
  cached(): Promise<Generation | undefined>;
  /** The cached one first, then each new one, until aborted. Errors are retried and show in `status()`. */
  updates(options: { readonly pollSeconds: number }, signal: AbortSignal): AsyncIterable<Generation>;
  /** Resolves when `updates` has asked the server for the first time, well or not, and whoever takes them has taken what it said. */
  readonly asked: Promise<void>;
  /** This generation compiled and is in force: a restart begins with it. @throws TrustError CACHE */
  activated(generation: Generation): Promise<void>;
  /** It verified and cannot be used: the one before stays in force. */
  rejected(generation: Generation, why: string): void;
  status(): TrustStatus;
  /** Closes the kept connections. */
  close(): void;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Reads and writes nothing yet. */
export function openClient(options: ClientOptions): Client {
  return new DeviceClient(options);
}

class DeviceClient implements Client {
  readonly #options: ClientOptions;
  readonly #random: () => number;
  readonly #url: string;
  readonly #http: HttpClient;
  readonly #store: FileStore;
  readonly #generations: Generations;
  readonly #asked = Promise.withResolvers<void>();

  #set: TrustedSet | undefined;
  #floor: Floor | undefined;
  #refreshed: Instant | undefined;
  #enforced: { readonly version: number; readonly id: string } | undefined;
  #rejected: TrustStatus["rejected"];
  #lastError: TrustStatus["lastError"];
  #problems: readonly string[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#url = options.url.endsWith("/") ? options.url : `${options.url}/`;
    this.#http = new HttpClient({ ca: options.ca, proxy: options.proxy });
    this.#store = new FileStore(options.dir);
    this.#generations = new Generations(join(options.dir, "generations"));
  }

  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  async refresh(signal?: AbortSignal): Promise<Generation> {
    const { generation } = await this.#look(signal, undefined);
    if (generation === undefined) throw new TrustError("CACHE", "there is no generation");
    return generation;
  }

  async cached(): Promise<Generation | undefined> {
    const problems: string[] = [];
    const found = await this.#generations.newest((problem) => problems.push(problem));
    this.#problems = problems;
    if (found === undefined) return undefined;
    const { set } = found.chain;
    const { now } = this.#times();
    const state = await readState(this.#store);
    // The newest root says which keys may still vouch for the time; without one, the generation's own.
    const { root } = await loadRoot(this.#store, this.#options.bootstrap).catch(() => set);
    this.#refreshed ??= state.refreshed;
    const standingOf = (floor: Floor | undefined): Floor | undefined =>
      standing(floor, root.roles.timestamp, root.keys);
    const own = standingOf(raise(undefined, set.timestamp?.issued, set.timestampSigners, now));
    this.#floor ??= raise(standingOf(state.floor), own?.issued, own?.keys ?? [], now);
    this.#set ??= set;
    try {
      const generation = await this.#open(found);
      this.#enforced = { version: generation.version, id: generation.id };
      return generation;
    } catch (error) {
      this.#problems = [...problems, describe(error)];
      return undefined;
    }
  }

  async *updates({ pollSeconds }: { readonly pollSeconds: number }, signal: AbortSignal): AsyncIterable<Generation> {
    const pollMs = pollSeconds * 1000;
    const first = await this.cached();
    let last = first?.id;
    if (first !== undefined) yield first;
    for (let failures = 0; !signal.aborted;) {
      try {
        const { id, generation } = await this.#lookIfNeeded(signal, last);
        last = id;
        failures = 0;
        if (generation !== undefined) yield generation;
      } catch (error) {
        if (!(error instanceof TrustError)) throw error;
        failures += 1; // it stands in status()
      }
      this.#asked.resolve();
      const retry = { firstMs: Math.min(5000, pollMs), maxMs: Math.max(pollMs, 300_000) };
      const wait = failures === 0 ? jitter(pollMs, this.#random()) : pause(failures, this.#random(), retry);
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async activated({ id, version }: Generation): Promise<void> {
    await this.#store.exclusively(() => this.#generations.activate(id));
    this.#enforced = { id, version };
    this.#rejected = undefined;
  }

  rejected({ version }: Generation, why: string): void {
    this.#rejected = { version, why };
  }

  status(): TrustStatus {
    const roles: { -readonly [role in keyof TrustStatus["roles"]]: TrustStatus["roles"][role] } = {};
    for (const role of topRoles) {
      const metadata = this.#set?.[role];
      if (metadata !== undefined) roles[role] = { version: metadata.version, expires: metadata.expires };
    }
    return {
      state: this.#enforced === undefined ? "empty" : this.#freshness(),
      enforced: this.#enforced,
      rejected: this.#rejected,
      floor: this.#times().floor,
      refreshed: this.#refreshed,
      lastError: this.#lastError,
      problems: this.#problems,
      roles,
    };
  }

  close(): void {
    this.#http.close();
  }

  /** One request while the timestamp is the one we have, as long as the whole workflow ran within the hour. */
  async #lookIfNeeded(signal: AbortSignal, last: string | undefined): Promise<Looked> {
    const { now } = this.#times();
    const since = this.#refreshed === undefined ? hourMs : now - this.#refreshed;
    if (last !== undefined && this.#set !== undefined && idOf(this.#set) === last && since >= 0 && since < hourMs) {
      const timestamp = this.#set.files.get("timestamp");
      const { etag } = await readState(this.#store);
      if (timestamp !== undefined && etag !== undefined && etag.of === sha256(timestamp)) {
        const reply = await this.#told(() => this.#fetcher(signal).timestamp(limits.timestamp, etag.value));
        if (reply === "unchanged") return { id: last, generation: undefined };
      }
    }
    return this.#look(signal, last);
  }

  /** The whole workflow. The generation is read only where it is another one than `last`. */
  #look(signal: AbortSignal | undefined, last: string | undefined): Promise<Looked> {
    return this.#told(() =>
      this.#store.exclusively(async () => {
        const { now } = this.#times();
        const fetcher = this.#fetcher(signal);
        const { bootstrap } = this.#options;
        const { set, targets, floor } = await update({ fetcher, store: this.#store, bootstrap, now });
        this.#set = set;
        this.#floor = floor;
        this.#refreshed = now;
        const id = idOf(set);
        if (id === last) return { id, generation: undefined };
        const found = await this.#generations.find(id);
        if (found !== undefined) return { id, generation: await this.#open(found) };

        const files = new Map<string, Uint8Array>();
        for (const role of topRoles) files.set(`${role}.json`, set.files.get(role) ?? new Uint8Array());
        for (const { path } of deviceTargets)
          files.set(`${path}.gz`, await fetchTarget(set, deviceTarget(targets, path), fetcher));
        const generation = await this.#open({ id, active: false, chain: { set, targets }, files });
        await this.#generations.add(id, files);
        return { id, generation };
      }),
    );
  }

  async #open({ id, chain, files }: StoredGeneration): Promise<Generation> {
    const [policy, catalog] = await Promise.all(
      deviceTargets.map(({ path, bound }) => unpack(files.get(`${path}.gz`) ?? new Uint8Array(), path, bound)),
    );
    if (policy === undefined || catalog === undefined) throw new TrustError("CACHE", "the generation is not whole");
    return {
      id,
      version: chain.targets.version,
      policy,
      catalog,
      floor: this.#times().floor,
      state: this.#freshness(),
    };
  }

  async #told<T>(act: () => Promise<T>): Promise<T> {
    try {
      const result = await act();
      this.#lastError = undefined;
      return result;
    } catch (error) {
      const known = error instanceof TrustError ? error : new TrustError("CACHE", describe(error), { cause: error });
      this.#lastError = { code: known.code, message: describe(known), at: this.#times().now };
      throw known;
    }
  }

  #fetcher(signal: AbortSignal | undefined): Fetcher {
    return new HttpFetcher({
      http: this.#http,
      metadataUrl: this.#url,
      targetsUrl: `${this.#url}targets/`,
      timeoutMs: this.#options.timeoutMs ?? 15_000,
      signal,
    });
  }

  /** The system's time, and what it is not before. */
  #times(): { readonly now: Instant; readonly floor: Instant } {
    return { now: this.#options.clock.now(), floor: this.#floor?.issued ?? instantOf(0) };
  }

  #freshness(): Freshness {
    const timestamp: Timestamp | undefined = this.#set?.timestamp;
    if (timestamp === undefined) return "very-stale";
    const at = notBefore(this.#times().now, this.#floor);
    const silent = at - lastHeard(this.#refreshed, timestamp);
    if (silent >= 7 * dayMs) return "very-stale";
    return silent >= dayMs || timestamp.expires <= at ? "stale" : "fresh";
  }
}

interface Looked {
  readonly id: string;
  /** Undefined where it is the one that was known. */
  readonly generation: Generation | undefined;
}
