import { TrustError } from "#trust/error.ts";
import type { Fetcher, Timestamped } from "#trust/fetcher.ts";
import type { Simulator } from "./simulator.ts";

/** What stands between a repository and its client: whatever it answers instead, by name; undefined is "no such file". */
type Instead = Map<string, Uint8Array | undefined>;

/** Serves a repository at the seam where a client fetches, and writes down what it was asked for. */
export class Mirror implements Fetcher {
  readonly repository: Simulator;
  /** "2.targets.json" or "targets/ab….policy.json" */
  readonly instead: Instead = new Map();
  readonly asked: string[] = [];

  constructor(repository: Simulator) {
    this.repository = repository;
  }

  metadata(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#answer(name, maxBytes);
  }

  async timestamp(maxBytes: number): Promise<Timestamped> {
    return { bytes: await this.#needed("timestamp.json", maxBytes), etag: undefined };
  }

  target(name: string, length: number): Promise<Uint8Array> {
    return this.#needed(`targets/${name}`, length);
  }

  async #answer(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    this.asked.push(name);
    const bytes = this.instead.has(name) ? this.instead.get(name) : (await this.repository.files()).get(name);
    if (bytes === undefined || bytes.length <= maxBytes) return bytes;
    throw new TrustError("LIMIT", `${name}: more than the ${maxBytes} bytes allowed`, { file: name });
  }

  async #needed(name: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#answer(name, maxBytes);
    if (bytes === undefined) throw new TrustError("HTTP", `${name} is not there`, { file: name, seen: 404 });
    return bytes;
  }
}
