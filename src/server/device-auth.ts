import type { Context } from "hono";
import { proofHeader } from "#protocol/proof.ts";
import { readBody } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import { RateLimit } from "#server/limits.ts";
import { claimedSigner, Replays, verifyProof } from "#server/proof.ts";
import { Refusal } from "#server/refusal.ts";
import type { Device } from "#server/store/store.ts";

/** A request that an enrolled device has signed. */
export interface FromDevice {
  readonly device: Device;
  readonly body: Uint8Array;
}

/** A backlog of 64 MiB may come at once; after that some 900 MB a day. */
const bytesEach = { burst: 80 * 1024 * 1024, perSecond: 10 * 1024 };
const requestsEach = { burst: 200, perSecond: 5 };

/** Requests after which the proofs of devices that fell silent are forgotten. */
const sweepEvery = 10_000;

/** Knows devices by their signatures, and keeps each within its share. */
export class DeviceAuth {
  readonly #deps: Deps;
  readonly replays = new Replays();
  readonly #requests: RateLimit;
  readonly #bytes: RateLimit;
  #untilSweep = sweepEvery;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#requests = new RateLimit(deps.clock, requestsEach);
    this.#bytes = new RateLimit(deps.clock, bytesEach);
  }

  /** @throws Refusal 401, 413, 429 */
  async authenticate(c: Context<Env>, maxBytes: number): Promise<FromDevice> {
    const proof = c.req.header(proofHeader);
    const claimed = claimedSigner(proof);
    const device = await this.#deps.store.device(claimed);
    if (device === undefined || proof === undefined)
      throw new Refusal(401, "unknown-device", "this device is not enrolled here");
    const body = await readBody(c.req.raw, maxBytes);
    await verifyProof(proof, device.publicKey, { method: c.req.method, path: pathOf(c), body }, this.context);
    this.#requests.take(device.id);
    this.#bytes.take(device.id, body.byteLength);
    this.#untilSweep -= 1;
    if (this.#untilSweep === 0) {
      this.replays.sweep(this.#deps.clock.now() / 1000);
      this.#untilSweep = sweepEvery;
    }
    return { device, body };
  }

  get context() {
    return { clock: this.#deps.clock, replays: this.replays };
  }
}

/** Path and query as they came. */
export function pathOf(c: Context<Env>): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
