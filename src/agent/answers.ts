import { Refusal, type Handlers } from "#agent/control.ts";
import { warningsOf } from "#agent/health.ts";
import type { House } from "#agent/house.ts";
import { askForException, goOn } from "#agent/requests.ts";
import { standingOf } from "#agent/standing.ts";
import { banOf, personOf } from "#agent/whom.ts";
import { describe } from "#lib/errors.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { version } from "#lib/version.ts";
import { linesOf } from "#platform/meaning.ts";
import { conflictText } from "#policy/conflict.ts";
import { decide } from "#policy/decide.ts";
import { explain } from "#policy/explain.ts";
import { noticeOf } from "#policy/notice.ts";
import { standing } from "#policy/standing.ts";
import { originText } from "#policy/words.ts";
import type { InForce, Status, Why } from "#protocol/status.ts";

/** Bans, and conflicts, that `edict policy show` lists at most. */
const listed = 1_000;

/** What the control socket answers. Who asks is known from the kernel; people get what is theirs, root gets all. */
export function answers(house: House): Handlers {
  const since = formatInstant(house.clock.now());
  return {
    status: (_question, uid) => status(house, uid, since),
    doctor: (_question, uid) => status(house, uid, since),
    policy: (_question, uid) => inForce(house, uid),
    "why-pid": ({ pid }, uid) => whyPid(house, pid, uid),
    "why-ban": ({ ban }, uid) => whyBan(house, ban, uid),
    request: ({ ban, reason }, uid) => askForException(house, ban, reason, uid),
    continue: ({ ban, reason }, uid) => goOn(house, ban, reason, uid),
  };
}

function status(house: House, uid: number, since: string): Status {
  const { policies, trust, config, identity, platform, enforcement, journal } = house;
  const { matcher, version: policyVersion, activatedAt } = policies.current();
  return {
    version,
    device: identity.id,
    since,
    server: config.server ?? null,
    enforcement: config.enforcement,
    policy: {
      name: matcher.policy.name,
      version: policyVersion,
      activatedAt: policyVersion === 0 ? null : formatInstant(activatedAt),
      bans: matcher.policy.bans.length,
      state: trust.status().state,
    },
    groups: groupsOf(house),
    capabilities: { ...platform.capabilities },
    lines: linesOf(standingOf(house)),
    watching: watchingOf(house),
    warnings: [...warningsOf(house)],
    pending: enforcement
      .pending()
      .filter((p) => uid === 0 || p.uid === uid)
      .map(({ pid, ban, until }) => ({ pid, ban, until })),
    recorded: [...journal.of(uid)],
  };
}

function groupsOf({ policies }: House): Status["groups"] {
  const { matcher, grouping } = policies.current();
  const withBans = new Set(matcher.policy.bans.map(({ group }) => group));
  const named = (vouched: boolean) => (name: string) => ({ name, vouched, bans: withBans.has(name) });
  return [...grouping.whom.groups.map(named(true)), ...grouping.whom.claimed.map(named(false))];
}

function watchingOf({ watching }: House): Status["watching"] {
  const { sweeps, lastSweep, installed, execs } = watching.health();
  return {
    sweeps,
    processes: lastSweep?.processes ?? 0,
    unreadable: lastSweep?.unreadable ?? 0,
    installed: installed.scanned?.found ?? null,
    execs: execs === undefined ? null : { told: execs.told, vanished: execs.vanished, lost: execs.lost },
  };
}

async function inForce(house: House, uid: number): Promise<InForce> {
  const { policies, device } = house;
  const { matcher, version: policyVersion, conflicts } = policies.current();
  const [now, person] = [policies.now(), await personOf(house, uid)];
  const { name, bans, limits } = matcher.policy;
  return {
    name,
    version: policyVersion,
    bans: bans.slice(0, listed).map((ban) => {
      const notice = noticeOf(ban, limits, (tool) => matcher.tool(tool));
      const { mode, since, next } = standing(matcher, ban, now, device.current(), person);
      return {
        id: ban.id,
        group: ban.group ?? null,
        tool: notice.tool,
        mode,
        since,
        reason: notice.reason,
        replacement: notice.replacement ?? null,
        next,
      };
    }),
    conflicts: conflicts.slice(0, listed).map(conflictText),
  };
}

/** The same words for "not yours" and "not there", and no file is read before: a person learns nothing of others' processes. */
async function whyPid(house: House, pid: number, uid: number): Promise<Why> {
  const { platform, watching, policies, device, log } = house;
  const none = (): never => {
    throw new Refusal("unknown", `no process ${pid} of yours`);
  };
  const isTheirs = (process: { readonly uid?: number | undefined } | undefined): boolean =>
    process !== undefined && (uid === 0 || process.uid === uid);
  const look = async <T>(how: () => Promise<T>): Promise<T> => {
    try {
      return await how();
    } catch (error) {
      log.debug("a process could not be looked at", { pid, error: describe(error) });
      return none();
    }
  };
  if (!isTheirs((await look(() => platform.inspect(pid)))?.process)) return none();
  const evidence = await look(() => watching.inspect(pid));
  // Looked at twice: the number may be another's by now.
  if (evidence === undefined || !isTheirs(evidence.process)) return none();
  const { matcher } = policies.current();
  const now = policies.now();
  const verdict = decide(matcher, evidence, now, device.current());
  const lines = explain(matcher, verdict, evidence, now);
  return { lines: [...lines, ...(verdict.ban === null ? [] : notCounted(house, verdict.ban))], verdict, evidence };
}

/** What somebody signed about a ban of that id, and does not count here. */
function notCounted({ policies, device }: House, id: string): readonly string[] {
  const { matcher, conflicts } = policies.current();
  const said = conflicts.filter((conflict) => conflict.id === id).map(conflictText);
  const now = policies.now();
  const early = matcher
    .exceptionsFor(id, { person: "", device: device.current().id, groups: [] })
    .filter((exception) => matcher.exceptionBegin(exception) > now)
    .map(({ granted }) => `an exception of the server's was granted on ${granted}, which is still to come here`);
  const lines = [...said, ...early];
  return lines.length === 0 ? [] : ["What was signed and does not count here:", ...lines.map((line) => `  ${line}`)];
}

/** A ban as it stands for one person, and what was recorded about them under it. @throws Refusal */
export async function whyBan(house: House, id: string, uid: number): Promise<Why> {
  const { policies, device, journal } = house;
  const { matcher } = policies.current();
  const left = notCounted(house, id);
  if (matcher.ban(id) === undefined && left.length > 0)
    return { lines: [`No ban ${id} is in force here.`, ...left], verdict: null, evidence: null };
  const ban = banOf(house, id);
  const notice = noticeOf(ban, matcher.policy.limits, (tool) => matcher.tool(tool));
  const now = standing(matcher, ban, policies.now(), device.current(), await personOf(house, uid));
  const mine = journal.of(uid).filter((entry) => entry.ban === id);
  const lines = [
    `${notice.tool}: ${now.mode}${now.since === null ? "" : ` since ${now.since}`}.`,
    `Why: ${notice.reason}`,
    `Where it stands: in ${originText(ban, matcher.policy)}`,
    ...(notice.replacement === undefined
      ? []
      : [`Use instead: ${notice.replacement}${notice.url === undefined ? "" : ` (${notice.url})`}`]),
    ...notice.equivalents.map(({ from, to }) => `  instead of ${from}: ${to}`),
    ...now.because.map((reason) => `  ${reason.text}`),
    ...(now.next === null ? [] : [`From ${now.next.from}: ${now.next.mode}.`]),
    ...(notice.owner === undefined ? [] : [`Who decides: ${notice.owner}`]),
    ...(notice.reference === undefined ? [] : [`More: ${notice.reference}`]),
    ...left,
    notice.exceptions ? `Ask for an exception: edict request ${id} --reason "…"` : "No exceptions are made from it.",
    ...mine
      .slice(-5)
      .flatMap((entry) => [`${entry.at} ${entry.did}: ${entry.what}`, ...entry.because.map((why) => `  ${why}`)]),
  ];
  return { lines, verdict: null, evidence: null };
}
