import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { Absence } from "#agent/absence.ts";
import { actorsOf } from "#agent/actors.ts";
import type { Config } from "#agent/config.ts";
import { ThisDevice } from "#agent/device.ts";
import { ownFolder } from "#agent/folders.ts";
import { hearing } from "#agent/gate-hears.ts";
import { Gatekeeper } from "#agent/gatekeeper.ts";
import { Groups } from "#agent/groups.ts";
import type { House } from "#agent/house.ts";
import { Journal } from "#agent/journal.ts";
import { Policies } from "#agent/policies.ts";
import { readBefore, contentsFile } from "#agent/read-before.ts";
import { Recorder } from "#agent/record.ts";
import { openState } from "#agent/state.ts";
import { Breaker } from "#enforce/breaker.ts";
import { Enforcement } from "#enforce/execute.ts";
import type { Clock } from "#lib/clock.ts";
import { readBounded } from "#lib/atomic-file.ts";
import { describe } from "#lib/errors.ts";
import { LockedError, withLock } from "#lib/file-lock.ts";
import { openLog } from "#lib/log-file.ts";
import { runGroup, type Actor } from "#lib/run-group.ts";
import { createTeller } from "#notify/tell.ts";
import { observe } from "#observe/observe.ts";
import type { InstallRoot, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { openIdentity } from "#report/identity.ts";
import { openOutbox } from "#report/outbox.ts";
import { openClient, type Client } from "#trust/client.ts";
import type { Generation } from "#trust/generation.ts";
import { silent } from "#agent/silent.ts";
import { Watchdog } from "#agent/watchdog.ts";

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
  ownFolder(config.state, config.state === config.run ? 0o755 : 0o700);
  await alone(config, () => runAlone(config, options, signal));
}

/** Two agents on one state would each spoil what the other writes. @throws LockedError */
async function alone(config: Config, work: () => Promise<void>): Promise<void> {
  let began = false;
  try {
    await withLock(join(config.state, "agent.lock"), 0, () => {
      began = true;
      return work();
    });
  } catch (error) {
    // A disk that is full or broken takes no lock either, and must not leave the machine without its agent (law 7).
    if (began || error instanceof LockedError) throw error;
    await work();
  }
}

async function runAlone(config: Config, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { clock } = options;
  ownFolder(config.run, 0o755);
  const logFile = openLog(join(config.state, "log"), config.logLevel, options.console);
  const { log } = logFile;
  const platform = watchingOnly(options.platform ?? (await selectPlatform()), config.roots);
  const [vital, identity, outbox] = await Promise.all([
    platform.vital(),
    openIdentity(join(config.state, "identity")),
    openOutbox(join(config.state, "spool"), { clock, log }),
  ]);
  const state = openState(config.state, log);
  const groups = new Groups(identity.id, config.groups);
  const absence = new Absence(state, () => platform.boot(), clock.now());
  const missing: string[] = [];
  const named = async (key: "ca" | "root"): Promise<Buffer | undefined> => {
    const file = config[key];
    if (file === undefined) return undefined;
    try {
      return await readNamed(file);
    } catch (error) {
      missing.push(`${key}: ${describe(error)}`);
      log.error("a file that the configuration names cannot be read", { key, error: describe(error) });
      return Buffer.alloc(0); // the last good policy is enforced without it
    }
  };
  const [ca, root] = [(await named("ca"))?.toString("utf8"), await named("root")];
  const trust =
    config.server === undefined || root === undefined
      ? silent
      : asking(
          openClient({
            dir: join(config.state, "trust"),
            url: `${config.server}/repo/`,
            bootstrap: root,
            clock,
            ca,
            courier: platform.startCourier,
            groups: (devices) => groups.followed(devices),
            shard: groups.shard,
          }),
          options.once === true,
        );
  const policies = new Policies({
    clock,
    state,
    vital: vital.map((file) => file.path),
    os: platform.os,
    groups,
    floor: () => trust.status().floor,
  });
  const device = new ThisDevice({ id: identity.id, platform, config, state, person: "", vital });
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const before = await readBefore(join(config.state, contentsFile), log);
  const watching = observe(
    platform,
    () => policies.current(),
    {
      clock,
      sweepSeconds: config.sweepSeconds,
      mayGather: () => gate.state().up,
      absentSince: absence.since,
      before,
      begin: Promise.race([trust.recalled, after(recallMs, undefined, { ref: false })]),
      onPlace: ({ pid, dev, ours }) => {
        if (!ours) gate.foreign(pid, dev);
      },
    },
    all,
  );
  const enforcement = new Enforcement({ platform, clock, quarantine: join(config.state, "quarantine") });
  const teller = createTeller({ platform, clock, stateFile: join(config.state, "toasts.json") });
  const journal = new Journal(join(config.state, "journal.ndjson"), (error) =>
    log.error("the journal cannot be kept", { error: describe(error) }),
  );
  const about = {
    id: identity.id,
    hostname: hostname(),
    os: platform.os,
    get groups() {
      return [...device.current().groups, ...device.current().claimed];
    },
  };
  const recorder = new Recorder({ outbox, journal, about, clock, log });
  const gate: Gatekeeper = new Gatekeeper({
    platform: gateOf(platform, config, options),
    log,
    agent: process.pid,
    failClosed: config.failClosed,
    only: typeof config.gate === "string" ? undefined : config.gate,
    now: () => policies.now(),
    device: () => device.current(),
    hears: hearing({ watching, enforcement, platform, log }, () => gate),
  });
  device.onChange(() => gate.changed());
  const house: House = {
    gate,
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
    absence,
    watching,
    enforcement,
    breaker: new Breaker(clock, { programs: 20, window: 60_000 }),
    teller,
    outbox,
    journal,
    recorder,
    reporting: { enrolledAt: identity.enrolledAt, failing: undefined },
    missing,
    unjudged: { count: 0, why: undefined, waiting: 0 },
    watchdog: new Watchdog(platform),
  };
  all.addEventListener("abort", () => platform.service("STOPPING=1"), { once: true });
  all.addEventListener("abort", () => absence.begins(), { once: true });
  log.info("the agent starts", { device: identity.id, server: config.server ?? null });
  try {
    await runGroup([...actorsOf(house, options), until(stop)], all, log);
  } finally {
    stop.abort();
    await enforcement.close();
    await teller.close();
    await outbox.close();
    trust.close();
    log.info("the agent has stopped");
    await logFile.close();
  }
}

/** The emergency stop stops nobody, so nobody need wait; a look once ends too soon for a gate. */
function gateOf(
  platform: Platform,
  { enforcement, gate }: Config,
  { once }: AgentOptions,
): Pick<Platform, "people" | "startGate"> {
  const without = enforcement === "observe" || once === true || gate === "off" || !platform.capabilities.gate.up;
  const { startGate } = platform;
  const people = (): ReturnType<Platform["people"]> => platform.people();
  return without || startGate === undefined ? { people } : { people, startGate };
}

/** Watching has begun before the others: it ends with them, whichever of them ended first. */
function until(stop: AbortController): Actor {
  const run = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        stop.abort();
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  return { name: "watching", run };
}

/** A look once asks first: nobody is stopped by what was withdrawn since the last time. Else the last good policy is in force at once (law 7). */
function asking(client: Client, first: boolean): House["trust"] {
  if (!first) return client;
  const asked = Promise.withResolvers<void>();
  return {
    recalled: Promise.resolve(),
    asked: asked.promise,
    async *updates(options, signal) {
      const seen: Generation[] = [];
      for (const look of [() => client.refresh(signal), () => client.cached()]) {
        const found = await look().catch(() => undefined); // `status` says why
        if (found === undefined) continue;
        seen.push(found);
        yield found;
        if (client.status().rejected?.version !== found.version) break; // else the last good one it is
      }
      asked.resolve();
      for await (const generation of client.updates(options, signal))
        if (seen.every((known) => isNews(generation, known))) yield generation;
    },
    lookSoon: () => client.lookSoon(),
    activated: (generation) => client.activated(generation),
    rejected: (generation, why) => client.rejected(generation, why),
    status: () => client.status(),
    close: () => client.close(),
  };
}

/** What came before the fresh one is no news; a group's policy or an exception can be, without a new version of the base. */
function isNews(generation: Generation, fresh: Generation): boolean {
  return generation.id !== fresh.id && generation.version >= fresh.version;
}

/** Milliseconds that the first look waits for the stored policy, so that it is not taken twice: once by no policy, and once by that. */
const recallMs = 2_000;

/** Bytes: the certificates of every public authority are 250 kB. */
const longestNamed = 1 << 20;

/** A file that the configuration names: distributions keep certificates behind links. */
async function readNamed(file: string): Promise<Buffer> {
  return readBounded(await realpath(file), longestNamed);
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
