import type { House } from "#agent/house.ts";
import { patienceFor } from "#agent/watchdog.ts";
import { describe } from "#lib/errors.ts";
import { parseDuration, parseInstant } from "#lib/pure/instant.ts";
import type { Actor } from "#lib/run-group.ts";
import { plan } from "#enforce/plan.ts";
import { guardEntries } from "#agent/gate-hears.ts";
import { isNameless, named } from "#agent/whom.ts";
import { conflictText } from "#policy/conflict.ts";
import { decide, provenTools } from "#policy/decide.ts";
import type { Evidence } from "#policy/evidence.ts";
import { stops } from "#policy/verdict.ts";
import { bytesOf } from "#policy/ready.ts";
import type { Generation } from "#trust/generation.ts";

/**
 * THE LOOP. Policy arrives, is verified, compiled; evidence arrives, is decided, enforced, told, reported.
 * Three actors, and the only place where that order stands. Nothing here waits for a person, a grace period,
 * the network or a slow disk.
 */
export function loop(house: House): readonly Actor[] {
  return [
    { name: "evidence", run: (signal) => evidenceArrives(house, signal) },
    { name: "outcomes", run: (signal) => outcomesArrive(house, signal) },
    { name: "policy", run: (signal) => policyArrives(house, signal) },
  ];
}

async function evidenceArrives(house: House, signal: AbortSignal): Promise<void> {
  for await (const evidence of house.watching.evidence) {
    if (signal.aborted) return;
    try {
      judge(house, evidence);
    } catch (error) {
      unjudged(house, evidence, error);
    }
  }
}

function judge(house: House, seen: Evidence): void {
  const { policies, device, platform, enforcement } = house;
  const { matcher, activatedAt } = policies.current();
  // What was seen before this policy came was running already, whatever it was when it was seen: it has its grace.
  const early = seen.kind === "exec" && seen.at !== undefined && parseInstant(seen.at) < activatedAt;
  const evidence: Evidence = early ? { ...seen, kind: "process" } : seen;
  device.present(provenTools(matcher, evidence.seen, device.current()));
  const verdict = decide(matcher, evidence, policies.now(), device.current());
  // Somebody whom only a directory service knows: an exception may be theirs, so they are named first, and judged again.
  if (stops(verdict) && isNameless(evidence)) return void judgeNamed(house, evidence);
  if (evidence.kind === "installed" && !device.isNews(evidence, verdict)) return;
  if (stops(verdict)) void guardEntries(house, evidence);
  enforcement.start(plan(verdict, evidence, platform.capabilities), verdict, evidence);
}

async function judgeNamed(house: House, evidence: Evidence): Promise<void> {
  house.unjudged.waiting += 1;
  try {
    judge(house, await named(house, evidence));
  } catch (error) {
    unjudged(house, evidence, error);
  } finally {
    house.unjudged.waiting -= 1;
  }
}

/** A fault of ours in one judgement must not free all the others. */
function unjudged({ unjudged: known, log }: House, evidence: Evidence, error: unknown): void {
  known.count += 1;
  known.why = describe(error);
  log.error("something could not be judged", { evidence: evidence.id, error: known.why });
}

async function outcomesArrive(house: House, signal: AbortSignal): Promise<void> {
  const { enforcement, breaker, device, watching, recorder, teller, log } = house;
  for await (const outcome of enforcement.outcomes(signal)) {
    const stopped = outcome.did === "stopped" || outcome.did === "denied";
    if (stopped && breaker.count(outcome.verdict, outcome.evidence)) {
      device.setBreakers(breaker.open());
      enforcement.forget((ban) => !breaker.open().has(ban));
      watching.lookAgain();
    }
    recorder.outcome(outcome);
    teller.tell(outcome).then(
      (told) => recorder.told(outcome.id, told),
      (error: unknown) => log.error("a person could not be told", { error: describe(error) }),
    );
  }
}

async function policyArrives(house: House, signal: AbortSignal): Promise<void> {
  const { trust, config, watchdog } = house;
  for await (const generation of trust.updates({ pollSeconds: config.pollSeconds }, signal)) {
    const bytes = bytesOf(generation) + (generation.devices?.length ?? 0);
    await watchdog.patiently(patienceFor(bytes), () => putInForce(house, generation));
  }
}

/** Conflicts that are logged one by one: `edict policy show` lists more. */
const mostSaid = 20;

async function putInForce(house: House, generation: Generation): Promise<void> {
  const { trust, policies, breaker, device, enforcement, gate, watching, log } = house;
  const before = policies.current();
  // Nobody is judged by these bans and other groups.
  const activation = await policies.activate(generation, ({ grouping }) => device.belongs(grouping.whom));
  if (!activation.activated) {
    log.error("a policy verifies and cannot be used; the last good one stays", { why: activation.why });
    trust.rejected(generation, activation.why);
    return;
  }
  const { matcher, id, policyId, version, conflicts } = activation.current;
  await trust.activated(generation).catch((error: unknown) => {
    log.error("the policy in force could not be kept for the next start", { error: describe(error) });
  });
  if (id === before.id) return;
  gate.policy(matcher.policy.bans.length === 0 ? undefined : generation);
  // An exception is no new ban: it closes no breaker, and who was running already has had their grace.
  if (policyId !== before.policyId) {
    const { programs, window } = matcher.policy.limits.breaker;
    breaker.reset({ programs, window: parseDuration(window) });
    device.policyChanged(policyId);
    enforcement.forget((ban) => matcher.ban(ban) !== undefined);
  }
  watching.lookAgain();
  for (const conflict of conflicts.slice(0, mostSaid)) log.warn(conflictText(conflict));
  const { name, bans } = matcher.policy;
  log.info("a policy is in force", { name, version, bans: bans.length, conflicts: conflicts.length });
}
