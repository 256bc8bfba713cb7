import type { Instant } from "#lib/pure/instant.ts";
import { approvedFirst } from "#policy/approve.ts";
import type { Matcher } from "#policy/compile.ts";
import type { Device } from "#policy/device.ts";
import type { Evidence, FileSeen, Seen } from "#policy/evidence.ts";
import type { Claim, TimedBan } from "#policy/claim.ts";
import * as rule from "#policy/rules.ts";
import { asksForStop, modes, nobodys, type Mode, type Notice, type Reason, type Verdict } from "#policy/verdict.ts";

/** A ban does nothing where one of these speaks; the first is named. */
const nothing = [
  ["scope", rule.outOfScope],
  ["stage", rule.beforeFirstStage],
  ["exception", rule.excepted],
] as const satisfies readonly (readonly [Reason["rule"], rule.Rule])[];

/** Otherwise its stage's mode, and no more than each of these that speaks; all are named. */
const caps = [
  ["replacement", "notify", rule.replacementMissing],
  ["breaker", "observe", rule.breakerOpen],
  ["grade", "notify", rule.onlyHints],
  ["grade", "observe", rule.onlyOneHint],
  ["acknowledged", "observe", rule.acknowledged],
  ["emergency", "observe", rule.emergencyStop],
] as const satisfies readonly (readonly [Reason["rule"], Mode, rule.Rule])[];

/**
 * What is to be done about what was seen, at one moment on one device. Pure, and an answer for every evidence.
 * A program that runs a script is two subjects, each judged by itself: the stricter verdict counts, and what frees the one
 * (vital, approved) never frees the other. The order is POLICY.md's "Order of decision".
 */
export function decide(m: Matcher, e: Evidence, at: Instant, d: Device): Verdict {
  if (e.script === undefined && e.interpreter === undefined) return judge(m, e, e.seen, e.file, at, d);
  const script = judge(m, e, e.seen, e.script, at, d);
  if (e.interpreter === undefined) return script;
  const program = judge(m, e, e.interpreter, e.file, at, d);
  return rank(program.mode) > rank(script.mode) ? program : script;
}

/** Tools of the policy that what was seen proves to be there: what `Device.installed` is made of. */
export function provenTools(m: Matcher, seen: Seen, d: Pick<Device, "os">): readonly string[] {
  const proofs = m.claims(seen, d.os).filter((claim) => claim.proves);
  return [...new Set(proofs.map((claim) => claim.target.tool.id))];
}

/** Vital → allow · approved → allow · no identity → allow · else the strictest of its bans. */
function judge(m: Matcher, e: Evidence, seen: Seen, file: FileSeen | undefined, at: Instant, d: Device): Verdict {
  if (file?.dev !== undefined && file.ino !== undefined && d.vital.has(`${file.dev}:${file.ino}`))
    return allowed(e, vitalReasons);
  const claims = m.claims(seen, d.os);
  if (claims.length === 0) return allowed(e, nothingReasons);
  const { bound, approval } = approvedFirst(claims);
  const freed = approval === undefined ? [] : [approval];
  if (bound.length === 0) return allowed(e, approval === undefined ? nothingReasons : freed);
  const findings: Finding[] = [];
  for (const own of byTarget(bound))
    for (const timed of own[0]?.target.bans ?? []) findings.push(findingOf(own, timed, m, e, at, d));
  const [first, ...rest] = findings.length > 1 ? findings.toSorted(compare) : findings;
  return first === undefined ? allowed(e, nothingReasons) : verdictOf(e, first, rest, freed);
}

function byTarget(claims: readonly Claim[]): Iterable<readonly Claim[]> {
  const target = claims[0]?.target;
  if (claims.every((claim) => claim.target === target)) return [claims];
  return Map.groupBy(claims, (claim) => claim.target).values();
}

const vitalReasons: readonly Reason[] = Object.freeze([
  Object.freeze({ rule: "vital", text: "the machine needs this program: no ban stops it" }),
]);
const nothingReasons: readonly Reason[] = Object.freeze([
  Object.freeze({ rule: "no-identity", text: "nothing that was read of it is an identity of a banned tool" }),
]);

/** What one ban makes of it. */
interface Finding {
  readonly of: rule.Case;
  readonly timed: TimedBan;
  readonly mode: Mode;
  /** When the ban begins, in milliseconds. */
  readonly begins: number;
  readonly because: readonly Reason[];
}

function findingOf(
  claims: readonly Claim[],
  timed: TimedBan,
  m: Matcher,
  e: Evidence,
  at: Instant,
  device: Device,
): Finding {
  const { ban } = timed;
  const begins = Math.min(...timed.from);
  const stage = rule.stageAt(timed.from, at);
  const proven = claims.some((claim) => claim.proves);
  const kinds = proven ? 0 : new Set(claims.map((claim) => claim.identity.kind)).size;
  const of: rule.Case = { m, ban, stage, at, device, person: e.process?.user ?? device.person, proven, kinds };
  const { mode, because } = holds(of);
  return { of, timed, mode, begins, because: [...claims.map((claim) => claim.reason), ...because] };
}

/** What one ban says in one case, and every rule that spoke. */
export function holds(of: rule.Case): { readonly mode: Mode; readonly because: readonly Reason[] } {
  const { ban, stage } = of;
  const because: Reason[] = [];
  for (const [name, speaks] of nothing) {
    const why = speaks(of);
    if (why === undefined) continue;
    because.push({ rule: name, text: `ban ${ban.id}: ${why}` });
    return { mode: "allow", because };
  }
  const held = ban.stages[stage ?? -1];
  if (held === undefined) return { mode: "allow", because };
  let { mode }: { mode: Mode } = held;
  because.push({ rule: "stage", text: `ban ${ban.id}: ${mode} since ${held.from}` });
  for (const [name, limit, speaks] of caps) {
    const why = speaks(of);
    if (why === undefined) continue;
    because.push({ rule: name, text: `at most ${limit}: ${why}` });
    if (rank(limit) < rank(mode)) mode = limit;
  }
  return { mode, because };
}

function rank(mode: Mode): number {
  return modes.indexOf(mode);
}

/** The strictest first, then the base's before a group's, then the earliest first stage, then the id; of those that do nothing, an exception first. */
function compare(a: Finding, b: Finding): number {
  const byMode = rank(b.mode) - rank(a.mode);
  if (byMode !== 0) return byMode;
  const byException = a.mode === "allow" ? Number(isExcepted(b)) - Number(isExcepted(a)) : 0;
  if (byException !== 0) return byException;
  const byOrigin = Number(a.of.ban.group !== undefined) - Number(b.of.ban.group !== undefined);
  if (byOrigin !== 0) return byOrigin;
  return a.begins - b.begins || (a.of.ban.id < b.of.ban.id ? -1 : 1);
}

function isExcepted({ because }: Finding): boolean {
  return because.at(-1)?.rule === "exception";
}

function allowed(e: Evidence, because: readonly Reason[]): Verdict {
  return { evidence: [e.id], mode: "allow", ...nobodys, because };
}

/** Other bans that a verdict names: it has to fit into a line. */
const mostNamed = 8;

function verdictOf(e: Evidence, first: Finding, rest: readonly Finding[], freed: readonly Reason[]): Verdict {
  const { of, mode, because: own } = first;
  const others = rest.filter((finding) => finding.mode !== "allow");
  const named = others.slice(0, mostNamed).map((f) => `${f.of.ban.id} (${f.mode})`);
  const more = others.length > named.length ? ` and ${others.length - named.length} more` : "";
  const strictest: readonly Reason[] =
    others.length === 0 ? [] : [{ rule: "strictest", text: `it goes before ${named.join(", ")}${more}` }];
  const because = freed.length === 0 && others.length === 0 ? own : [...freed, ...own, ...strictest];
  if (mode === "allow" && !isExcepted(first)) return allowed(e, because);
  const exception = isExcepted(first) ? rule.exceptionOf(of) : undefined;
  const { stage, ban } = of;
  const { id, tool, replacement, stages } = ban;
  return {
    evidence: [e.id],
    mode,
    ban: id,
    tool,
    grade: of.proven ? "proof" : "hint",
    stage: stage ?? null,
    since: stage === undefined ? null : (stages[stage]?.from ?? null),
    because,
    replacement: replacement === undefined ? null : { tool: replacement.tool, url: replacement.url },
    exception: exception === undefined ? null : { until: exception.until, reason: exception.reason },
    notice: mode === "allow" ? null : noticeFor(first, rest),
  };
}

/**
 * All bans hold, whichever speaks: where several stop it, the shortest grace counts, and `strict` where one is. Otherwise a
 * group's ban that goes before the base's could give a running program a year.
 */
function noticeFor(first: Finding, rest: readonly Finding[]): Notice {
  const own = first.timed.notice;
  let { grace, strict } = own;
  if (asksForStop(first.mode))
    for (const { mode, timed } of rest) {
      if (!asksForStop(mode)) continue;
      grace = Math.min(grace, timed.notice.grace);
      strict ||= timed.notice.strict;
    }
  return grace === own.grace && strict === own.strict ? own : Object.freeze({ ...own, grace, strict });
}
