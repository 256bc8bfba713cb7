import { instantOf, type Instant } from "#lib/pure/instant.ts";
import type { TrustCode } from "#trust/error.ts";
import type { Freshness } from "#trust/generation.ts";
import type { Timestamp } from "#trust/metadata.ts";
import { notBefore, type Floor } from "#trust/state.ts";
import type { TrustedSet } from "#trust/trusted-set.ts";
import { lastHeard } from "#trust/updater.ts";

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
  /** What was found broken, in the store or the repository, and worked around. */
  readonly problems: readonly string[];
  /** The newest metadata that is trusted, by role; of the delegated ones those that are in use here. */
  readonly roles: Readonly<Record<string, { readonly version: number; readonly expires: Instant }>>;
}

const dayMs = 24 * 3_600_000;

/** What is kept of a set while it is not looked at: its files may be large. */
export interface Trusted {
  readonly timestamp: Pick<Timestamp, "expires" | "issued">;
  readonly roles: TrustStatus["roles"];
}

export function trustedOf(set: TrustedSet): Trusted | undefined {
  if (set.timestamp === undefined) return undefined;
  const { expires, issued } = set.timestamp;
  const roles = [...set.files.keys()].flatMap((role) => {
    const metadata = set.metadata(role);
    return metadata === undefined ? [] : [[role, { version: metadata.version, expires: metadata.expires }] as const];
  });
  return { timestamp: { expires, issued }, roles: Object.fromEntries(roles) };
}

/** What a client knows now, and how old it is. Everything is measured at a `now` that is given. */
export class Standing {
  trusted: Trusted | undefined;
  floor: Floor | undefined;
  refreshed: Instant | undefined;
  enforced: TrustStatus["enforced"];
  rejected: TrustStatus["rejected"];
  lastError: TrustStatus["lastError"];
  /** Of the store, at the last start. */
  problems: readonly string[] = [];
  /** Of the repository, at the last look. */
  problem: string | undefined;

  status(now: Instant): TrustStatus {
    return {
      state: this.enforced === undefined ? "empty" : this.freshness(now),
      enforced: this.enforced,
      rejected: this.rejected,
      floor: this.floorInstant,
      refreshed: this.refreshed,
      lastError: this.lastError,
      problems: [...this.problems, ...(this.problem === undefined ? [] : [this.problem])],
      roles: this.trusted?.roles ?? {},
    };
  }

  /** What is read now is as new as that, unless a part of it is missing: who keeps back one file must not make a device look fresh. */
  async refreshing<T>(now: Instant, read: () => Promise<T>): Promise<T> {
    const before = this.refreshed;
    this.refreshed = now;
    try {
      return await read();
    } catch (error) {
      this.refreshed = before;
      throw error;
    }
  }

  /** 0 where no signed time is believed. */
  get floorInstant(): Instant {
    return this.floor?.issued ?? instantOf(0);
  }

  freshness(now: Instant): Freshness {
    const timestamp = this.trusted?.timestamp;
    if (timestamp === undefined) return "very-stale";
    const at = notBefore(now, this.floor);
    const silent = at - lastHeard(this.refreshed, timestamp);
    if (silent >= 7 * dayMs) return "very-stale";
    return silent >= dayMs || timestamp.expires <= at ? "stale" : "fresh";
  }
}
