import { mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { actorsOf } from "#agent/actors.ts";
import type { Config } from "#agent/config.ts";
import { ThisDevice } from "#agent/device.ts";
import type { House } from "#agent/house.ts";
import { Journal } from "#agent/journal.ts";
import { Policies } from "#agent/policies.ts";
import { Recorder } from "#agent/record.ts";
import { openState } from "#agent/state.ts";
import { Breaker } from "#enforce/breaker.ts";
import { Enforcement } from "#enforce/execute.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { openLog } from "#lib/log-file.ts";
import { runGroup } from "#lib/run-group.ts";
import { createTeller } from "#notify/tell.ts";
import { observe } from "#observe/observe.ts";
import type { InstallRoot, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { openIdentity } from "#report/identity.ts";
import { openOutbox } from "#report/outbox.ts";
import { openClient } from "#trust/client.ts";
import { silent } from "#agent/silent.ts";

export interface AgentOptions {
  readonly clock: Clock;
  /** Also say on standard error what goes into the log. */
  readonly console: boolean;
  /** Called when evidence, policy and questions are being taken. */
  readonly ready?: () => void;
  /** Instead of the machine's own: for a test that may touch only one user's processes. */
  readonly platform?: Platform;
  /** Pull the policy, look at everything once, say what came of it, and end. */
  readonly once?: boolean;
}

/** Runs the agent until the signal aborts. Wiring only: the loop is in agent.ts, everything else in its room. */
export async function runAgent(config: Config, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { clock } = options;
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  mkdirSync(config.run, { recursive: true, mode: 0o755 });
  const logFile = openLog(join(config.state, "log"), config.logLevel, options.console);
  const { log } = logFile;
  const platform = watchingOnly(options.platform ?? (await selectPlatform()), config.roots);
  const [vital, identity, outbox] = await Promise.all([
    platform.vital(),
    openIdentity(join(config.state, "identity")),
    openOutbox(join(config.state, "spool"), { clock, log }),
  ]);
  const state = openState(config.state, log);
  const ca = config.ca === undefined ? undefined : readFileSync(config.ca, "utf8");
  const trust =
    config.server === undefined || config.root === undefined
      ? silent
      : openClient({
          dir: join(config.state, "trust"),
          url: `${config.server}/repo/`,
          bootstrap: readFileSync(config.root),
          clock,
          ca,
        });
  const policies = new Policies({
    clock,
    state,
    vital: vital.map((file) => file.path),
    floor: () => trust.status().floor,
  });
  const device = new ThisDevice({ id: identity.id, platform, config, state, person: "", vital });
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const watching = observe(platform, () => policies.current(), { clock, sweepSeconds: config.sweepSeconds }, all);
  const enforcement = new Enforcement({ platform, clock, quarantine: join(config.state, "quarantine") });
  const teller = createTeller({ platform, clock, stateFile: join(config.state, "toasts.json") });
  const journal = new Journal(join(config.state, "journal.ndjson"), (error) =>
    log.error("the journal cannot be kept", { error: describe(error) }),
  );
  const about = { id: identity.id, hostname: hostname(), os: platform.os, groups: config.groups };
  const recorder = new Recorder({ outbox, journal, about, clock, log });
  const house: House = {
    config,
    clock,
    log,
    ca,
    platform,
    identity,
    trust,
    policies,
    device,
    state,
    watching,
    enforcement,
    breaker: new Breaker(clock, { programs: 20, window: 60_000 }),
    teller,
    outbox,
    journal,
    recorder,
  };
  log.info("the agent starts", { device: identity.id, server: config.server ?? null });
  try {
    await runGroup(actorsOf(house, options), all, log);
  } finally {
    platform.service("STOPPING=1");
    stop.abort();
    await enforcement.close();
    await teller.close();
    await outbox.close();
    trust.close();
    log.info("the agent has stopped");
    await logFile.close();
  }
}

/** The platform, with the folders that the configuration names instead of the machine's usual ones. */
function watchingOnly(platform: Platform, roots: readonly string[] | undefined): Platform {
  if (roots === undefined) return platform;
  const installRoots = (): readonly InstallRoot[] =>
    roots.map((path) => {
      const npm = basename(path) === "node_modules";
      return { path, owner: 0, holds: npm ? "npm" : "bin", depth: npm ? 3 : 1 };
    });
  return { ...platform, installRoots };
}
