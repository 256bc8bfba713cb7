import { setTimeout as after } from "node:timers/promises";
import { aborted } from "#lib/aborted.ts";
import type { Platform } from "#platform/platform.ts";

/** Times within the service manager's period at which we say that we live: sd_notify(3) asks for two, one may come late. */
const pats = 3;

/** Milliseconds for work on a policy of so many bytes. 84 MB with 900,000 identities took 60 s on a busy machine: seven times that. */
export function patienceFor(bytes: number): number {
  return 10_000 + Math.ceil(bytes / 200);
}

/**
 * Our side of the service manager's watchdog. Its period is short, so that an agent that hangs does not hold the machine up;
 * work that keeps the event loop busy for longer is announced, and the period is itself again afterwards (WATCHDOG_USEC=
 * of sd_notify(3), systemd 233).
 */
export class Watchdog {
  readonly #platform: Pick<Platform, "service" | "watchdog">;
  /** What is under way, each with the milliseconds it asked for. */
  readonly #work = new Set<{ readonly milliseconds: number }>();

  constructor(platform: Pick<Platform, "service" | "watchdog">) {
    this.#platform = platform;
  }

  /** Says that we live, until aborted. */
  async pat(signal: AbortSignal): Promise<void> {
    const { watchdog: period } = this.#platform;
    if (period === undefined) return aborted(signal);
    while (!signal.aborted) {
      this.#platform.service("WATCHDOG=1");
      await after(period / pats, undefined, { signal }).catch(() => undefined);
    }
  }

  /** For work that may keep everything else waiting, for at most so many milliseconds. */
  async patiently<T>(milliseconds: number, work: () => T | Promise<T>): Promise<T> {
    const one = { milliseconds };
    this.#work.add(one);
    this.#platform.service(`EXTEND_TIMEOUT_USEC=${milliseconds * 1000}`); // it may come before READY=1
    this.#ask();
    try {
      return await work();
    } finally {
      this.#work.delete(one);
      this.#ask();
    }
  }

  #ask(): void {
    const { watchdog: period } = this.#platform;
    if (period === undefined) return; // asking for a period would begin one
    const longest = Math.max(period, ...[...this.#work].map(({ milliseconds }) => milliseconds));
    this.#platform.service(`WATCHDOG_USEC=${longest * 1000}`);
  }
}
