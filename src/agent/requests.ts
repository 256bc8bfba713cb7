import { randomUUID } from "node:crypto";
import { z } from "zod";
import { Refusal } from "#agent/control.ts";
import { warningsOf } from "#agent/health.ts";
import type { House } from "#agent/house.ts";
import { banOf, personOf } from "#agent/whom.ts";
import { describe } from "#lib/errors.ts";
import { formatInstant, instantOf } from "#lib/pure/instant.ts";
import { noticeOf } from "#policy/notice.ts";
import { standing } from "#policy/standing.ts";
import { ServerLink } from "#report/link.ts";

const takenSchema = z.looseObject({});

/** Sends a person's request for an exception to the people who decide. @throws Refusal */
export async function askForException(house: House, id: string, reason: string, uid: number): Promise<object> {
  const { config, identity, clock, ca, journal } = house;
  const ban = banOf(house, id);
  const whom = ban.owner ?? "your administrator";
  if (ban.exceptions === "never") throw new Refusal("denied", `no exceptions are made from "${id}"; ask ${whom}`);
  if (config.server === undefined) throw new Refusal("invalid", `this device has no server; ask ${whom}`);
  const person = await personOf(house, uid);
  const link = new ServerLink({ server: config.server, identity, clock, ca });
  try {
    await link.post("/api/v1/requests", { ban: id, person, reason }, takenSchema);
  } catch (error) {
    throw new Refusal("no-server", `the request did not reach the server: ${describe(error)}`, { cause: error });
  } finally {
    link.close();
  }
  const about = {
    tool: ban.tool,
    ban: id,
    mode: "allow",
    what: person,
    because: [`asked for an exception: ${reason}`],
  };
  journal.add({ id: randomUUID(), at: formatInstant(clock.now()), uid, did: "asked", ...about });
  return { ban: id, person };
}

/** A person read the warning and goes on; it holds for the ban's `warn.for`, and is recorded. @throws Refusal */
export async function goOn(house: House, id: string, reason: string, uid: number): Promise<{ readonly until: string }> {
  const { policies, device, watching, journal, recorder, clock } = house;
  const ban = banOf(house, id);
  const { matcher } = policies.current();
  const now = policies.now();
  const person = await personOf(house, uid);
  const { mode } = standing(matcher, ban, now, device.current(), person);
  if (mode !== "warn") throw new Refusal("denied", `"${id}" is no warning that can be answered: it says ${mode}`);
  const until = instantOf(now + noticeOf(ban, matcher.policy.limits, (tool) => matcher.tool(tool)).warnFor);
  device.acknowledge(id, person, until, now);
  watching.lookAgain();
  const about = { tool: ban.tool, ban: id, mode, what: person, because: [`went on after the warning: ${reason}`] };
  journal.add({ id: randomUUID(), at: formatInstant(clock.now()), uid, did: "continued", ...about });
  recorder.health("state", warningsOf(house), { continued: { ban: id, person, reason, until: formatInstant(until) } });
  return { until: formatInstant(until) };
}
