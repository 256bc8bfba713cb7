import type { Absence } from "#agent/absence.ts";
import type { Config } from "#agent/config.ts";
import type { ThisDevice } from "#agent/device.ts";
import type { Gatekeeper } from "#agent/gatekeeper.ts";
import type { Journal } from "#agent/journal.ts";
import type { Policies } from "#agent/policies.ts";
import type { Recorder } from "#agent/record.ts";
import type { State } from "#agent/state.ts";
import type { Watchdog } from "#agent/watchdog.ts";
import type { Breaker } from "#enforce/breaker.ts";
import type { Enforcement } from "#enforce/execute.ts";
import type { Clock } from "#lib/clock.ts";
import type { Log } from "#lib/log.ts";
import type { Teller } from "#notify/tell.ts";
import type { Watching } from "#observe/observe.ts";
import type { Platform } from "#platform/platform.ts";
import type { DeviceIdentity } from "#report/identity.ts";
import type { Outbox } from "#report/outbox.ts";
import type { Client } from "#trust/client.ts";

/** Everything the agent is made of. `agent/main.ts` makes the real one; each actor takes what it needs. */
export interface House {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** PEM of the organisation's own certificate authority. */
  readonly ca: string | undefined;
  readonly platform: Platform;
  readonly identity: DeviceIdentity;
  readonly trust: Pick<
    Client,
    "updates" | "recalled" | "asked" | "lookSoon" | "activated" | "rejected" | "status" | "close"
  >;
  readonly policies: Policies;
  readonly device: ThisDevice;
  readonly state: State;
  readonly absence: Absence;
  readonly watching: Watching;
  readonly gate: Gatekeeper;
  readonly enforcement: Enforcement;
  readonly breaker: Breaker;
  readonly teller: Teller;
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly reporting: Reporting;
  /** Files that the configuration names and that could not be read. */
  readonly missing: readonly string[];
  /** Evidence that could not be judged, and why the last one could not. */
  readonly unjudged: Unjudged;
  readonly watchdog: Watchdog;
}

export interface Unjudged {
  count: number;
  why: string | undefined;
  /** What waits for a name. */
  waiting: number;
}

/** How this device stands with its server: what sending finds out, and health tells. */
export interface Reporting {
  /** The server that knows this device's key. */
  enrolledAt: string | undefined;
  /** Why the server takes no reports; undefined while it does. */
  failing: string | undefined;
}
