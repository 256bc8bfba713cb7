import type { HttpBindings } from "@hono/node-server";
import type { Clock } from "#lib/clock.ts";
import type { Log } from "#lib/log.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { Metrics } from "#server/metrics.ts";
import type { Released } from "#publish/release.ts";
import type { Store } from "#server/store/store.ts";
import type { Wakes } from "#server/wakes.ts";

/** Everything the server's answers depend on. */
export interface Deps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The folder of the signed repository. */
  readonly repository: string;
  readonly enrolSecret: string;
  readonly adminToken: string;
  /** Takes a proposal that meets the signing threshold into force. @throws Refusal where it does not */
  readonly publish: (proposal: Uint8Array) => Promise<Released>;
  readonly exceptions: Exceptions;
  readonly wakes: Pick<Wakes, "heard" | "waiting">;
  /** Whether the way to us is encrypted: cookies say so then. */
  readonly secure: boolean;
}

/** What the server signs by itself for its administrators. @throws Refusal for what the policy does not allow */
export interface Exceptions {
  /** @returns instants, as devices will read them */
  grant(
    ban: string,
    device: string,
    until: Instant,
  ): Promise<{ readonly granted: string; readonly until: string; readonly released: Released }>;
  /** @returns how many there were */
  withdraw(which: { readonly ban?: string | undefined; readonly device?: string | undefined }): Promise<number>;
}

/** Hono's: absent bindings are those of a test that calls the app without a socket. */
export interface Env {
  Bindings: Partial<HttpBindings>;
}
