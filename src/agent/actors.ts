import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { schedule } from "node-cron";
import { loop } from "#agent/agent.ts";
import { answers, whyBan } from "#agent/answers.ts";
import { serveControl } from "#agent/control.ts";
import { warningsOf } from "#agent/health.ts";
import type { House } from "#agent/house.ts";
import { askForException, goOn } from "#agent/requests.ts";
import { keepRead, contentsFile } from "#agent/read-before.ts";
import { sendReports } from "#agent/reporting.ts";
import { waitForNews } from "#agent/wake.ts";
import { patienceFor } from "#agent/watchdog.ts";
import { aborted } from "#lib/aborted.ts";
import { describe } from "#lib/errors.ts";
import { rest } from "#lib/rest.ts";
import type { Actor } from "#lib/run-group.ts";
import type { Press } from "#notify/tell.ts";
import { controlSocket } from "#protocol/control.ts";

interface Begin {
  readonly ready?: () => void;
  readonly once?: boolean;
}

/** The loop, and what goes on beside it. Each runs until it is told to stop. */
export function actorsOf(house: House, { ready, once = false }: Begin): readonly Actor[] {
  return [
    ...loop(house),
    { name: "gate", run: (signal) => house.gate.run(signal) },
    { name: "absence", run: (signal) => endAbsence(house, signal) },
    { name: "control", run: (signal) => control(house, signal, ready) },
    { name: "wake", run: (signal) => wake(house, signal) },
    { name: "upload", run: (signal) => reports(house, signal) },
    { name: "repeats", run: (signal) => house.recorder.run(signal) },
    { name: "presses", run: (signal) => takePresses(house, signal) },
    { name: "stages", run: (signal) => watchStages(house, signal) },
    { name: "health", run: (signal) => watchHealth(house, signal) },
    { name: "contents", run: (signal) => keepContents(house, signal) },
    { name: "rest", run: (signal) => restNow(house, signal) },
    { name: "watchdog", run: (signal) => house.watchdog.pat(signal) },
    ...(once ? [{ name: "once", run: (signal: AbortSignal) => lookOnce(house, signal) }] : []),
  ];
}

function control(house: House, signal: AbortSignal, ready: (() => void) | undefined): Promise<void> {
  const { platform, config, clock, log } = house;
  const listening = (): void => {
    platform.service("READY=1");
    ready?.();
  };
  const path = join(config.run, controlSocket);
  const peerUid = (socket: Socket): number | undefined => platform.peerUid(socket);
  return serveControl({ path, peerUid, handlers: answers(house), clock, log, listening }, signal);
}

function wake(house: House, signal: AbortSignal): Promise<void> {
  const { server } = house.config;
  return server === undefined ? aborted(signal) : waitForNews(house, server, signal);
}

function reports(house: House, signal: AbortSignal): Promise<void> {
  const { server } = house.config;
  return server === undefined ? aborted(signal) : sendReports(house, server, signal);
}

/** Buttons that people press on toasts mean what the same words mean on the command line, and are answered by a toast. */
async function takePresses(house: House, signal: AbortSignal): Promise<void> {
  for await (const { person, ban, key } of house.teller.presses(signal)) {
    const said = await answerPress(house, person, ban, key).catch((error: unknown) => [describe(error)]);
    if (said.length === 0) continue;
    house.teller.answer(person, "Edict", said).catch((error: unknown) => {
      house.log.warn("a press could not be answered", { key, ban, error: describe(error) });
    });
  }
}

async function answerPress(house: House, person: string, ban: string, key: Press["key"]): Promise<readonly string[]> {
  const uid = (await house.platform.people()).find(({ name }) => name === person)?.uid;
  if (uid === undefined) return [];
  const reason = "asked by a button";
  switch (key) {
    case "open": // the session has done it
      return [];
    case "why":
      return (await whyBan(house, ban, uid)).lines;
    case "request":
      await askForException(house, ban, reason, uid);
      return ["Your request is on its way to the people who decide."];
    case "continue":
      return [`You may use it until ${(await goOn(house, ban, reason, uid)).until}.`];
  }
}

/**
 * Who started a banned program while the agent was down knew of the ban, and has no grace: once the server was asked, for it may
 * have withdrawn it meanwhile. Where it does not answer, the last good policy counts (law 7).
 */
async function endAbsence({ trust, watching, absence }: House, signal: AbortSignal): Promise<void> {
  await Promise.race([trust.asked, aborted(signal)]);
  if (signal.aborted) return;
  watching.confirm();
  absence.over();
  await aborted(signal);
}

/** When a stage begins or an exception ends, everything that runs is judged again. The clock is looked at, so a sleeping machine misses none. */
async function watchStages({ policies, watching, log }: House, signal: AbortSignal): Promise<void> {
  let last = policies.now();
  const task = schedule("*/5 * * * * *", () => {
    const now = policies.now();
    const change = policies.current().matcher.nextChange(last);
    last = now;
    if (change === undefined || change > now) return;
    log.info("a stage begins or an exception ends: everything is judged again");
    watching.lookAgain();
  });
  await aborted(signal);
  await task.destroy();
}

/** What was read of files outlives the agent: kept when it ends, and each hour, for it may be killed. */
async function keepContents({ watching, config, log }: House, signal: AbortSignal): Promise<void> {
  const keep = async (): Promise<void> => {
    const contents = watching.contents();
    if (contents !== undefined) await keepRead(join(config.state, contentsFile), contents, log);
  };
  const task = schedule("23 * * * *", keep);
  await aborted(signal);
  await task.destroy();
  await keep();
}

/** Milliseconds between looks; a change of what is wrong is reported at once after one. */
const healthPeriod = 30_000;

async function watchHealth(house: House, signal: AbortSignal): Promise<void> {
  const { recorder, policies, trust, platform, device, log } = house;
  let known: string | undefined;
  while (!signal.aborted) {
    if (house.state.trouble !== undefined) house.state.write({}); // what the disk refused is asked again
    const warnings = warningsOf(house);
    const { id, version, matcher, grouping } = policies.current();
    const codes = [id, ...warnings.map((w) => w.code)].join(" ");
    if (codes !== known) {
      const { groups, claimed } = grouping.whom;
      const facts = {
        policy: { name: matcher.policy.name, version, state: trust.status().state, groups, claimed },
        enforcement: house.config.enforcement,
      };
      recorder.health(known === undefined ? "started" : "state", warnings, facts);
      known = codes;
    }
    try {
      device.setVital(await platform.vital());
    } catch (error) {
      log.error("the list of vital programs could not be made again", { error: describe(error) });
    }
    await after(healthPeriod, undefined, { signal }).catch(() => undefined);
  }
  recorder.health("stopping", [], {});
}

/** Milliseconds: how often it is asked whether there is something to give back, and how long it is left alone at most. */
const [restPeriod, restAtLeast] = [10_000, 600_000];

/** A whole scan and a new policy leave much behind that is never used again; sweeps leave a little, all the time. */
async function restNow({ policies, watching, watchdog }: House, signal: AbortSignal): Promise<void> {
  let [done, at] = ["", -Infinity];
  while (!signal.aborted) {
    await after(restPeriod, undefined, { signal }).catch(() => undefined);
    const scanned = watching.health().installed.scanned?.at;
    const work = `${policies.current().id} ${scanned}`;
    if (scanned === undefined || (work === done && performance.now() - at < restAtLeast)) continue;
    [done, at] = [work, performance.now()];
    await watchdog.patiently(patienceFor(0), rest);
  }
}

/** Ends the agent when the policy was asked for and everything was looked at, judged and, where it must be, stopped. */
async function lookOnce(house: House, signal: AbortSignal): Promise<void> {
  const { trust, watching, enforcement, unjudged } = house;
  const soon = (): Promise<void> => after(50, undefined, { signal }).catch(() => undefined);
  await Promise.race([trust.asked, aborted(signal)]);
  // Twice: a sweep that was going on may have passed by before.
  for (const _ of [1, 2]) {
    const { sweeps } = watching.health();
    watching.lookAgain();
    while (!signal.aborted && watching.health().sweeps === sweeps) await soon();
  }
  const looked = (): boolean => watching.health().installed.scanned !== undefined;
  while (!signal.aborted && !(looked() && unjudged.waiting === 0 && enforcement.idle)) await soon();
}
