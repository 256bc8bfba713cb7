import { setTimeout as after } from "node:timers/promises";
import type { House } from "#agent/house.ts";
import { pause } from "#lib/backoff.ts";
import { beatMs, wakeAnswerSchema, wakePath } from "#protocol/wake.ts";
import { ServerLink } from "#report/link.ts";
import { ReportError } from "#report/report-error.ts";

/** From one request to the next, in milliseconds, whatever the server says. */
const leastMs = 10_000;
const backoff = { firstMs: 10_000, maxMs: 300_000 } as const;
/** What an answer may take on its way, in milliseconds. */
const onTheWay = 30_000;

/**
 * Waits at the server for news, until the signal aborts, and has the client look then. A server that does not know this, or has no room, is
 * asked again and again, seldom: the client looks every minute by itself.
 */
export async function waitForNews(house: House, server: string, signal: AbortSignal): Promise<void> {
  const { identity, clock, ca, trust } = house;
  const link = new ServerLink({ server, identity, clock, ca, timeoutMs: beatMs + onTheWay });
  let known: string | undefined;
  try {
    for (let failures = 0; !signal.aborted;) {
      const began = performance.now();
      let wait: number;
      try {
        const { edition } = await link.post(wakePath, { known }, wakeAnswerSchema, { signal });
        if (known !== undefined && edition !== known) trust.lookSoon();
        known = edition;
        failures = 0;
        wait = leastMs - (performance.now() - began);
      } catch (error) {
        if (!(error instanceof ReportError)) throw error;
        failures += 1;
        wait = Math.max(pause(failures, Math.random(), backoff), error.retryAfterMs ?? 0);
      }
      if (wait > 0) await after(wait, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    link.close();
  }
}
