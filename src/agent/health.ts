import type { House } from "#agent/house.ts";
import { standingOf } from "#agent/standing.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { conflictText, type Conflict } from "#policy/conflict.ts";
import { lead } from "#policy/granted.ts";
import { linesOf, meaningOf } from "#platform/meaning.ts";
import type { Warning } from "#protocol/status.ts";

/** What can be wrong with an agent, as data. The text says what it means and what to do. */
const catalogue = {
  "no-policy": ["No policy", "warning", "No signed policy has arrived yet: nothing is banned on this device."],
  "policy-refused": [
    "Policy refused",
    "error",
    "The newest signed policy cannot be used here; the last good one stays in force.",
  ],
  "part-refused": [
    "A part of the policy is refused",
    "error",
    "What a group or the server has signed cannot be used here and is left out; the base policy is in force.",
  ],
  "not-counted": [
    "Not all that was signed counts here",
    "info",
    "What may not be loosened stays as it is; `edict policy show` says what was left out, and why.",
  ],
  stale: ["Policy is stale", "warning", "The server was not reached lately. The last verified policy stays in force."],
  "very-stale": [
    "Policy is very stale",
    "error",
    "No refresh for a week. The last verified policy stays in force; check the way to the server.",
  ],
  observing: [
    "Observe only",
    "warning",
    "The emergency stop is set on this device: everything is recorded, nothing is stopped.",
  ],
  "not-enrolled": ["Not enrolled", "warning", "Reports are kept on this device: enrol it with `edict enroll`."],
  "reports-failing": [
    "Reports do not arrive",
    "warning",
    "The server takes no reports; they are kept, and tried again.",
  ],
  "missing-file": ["A named file cannot be read", "error", "The configuration names a file that is not there."],
  "clock-wrong": [
    "The clock is wrong",
    "error",
    "It is more than a day behind a signed time: stages go by the clock, exceptions too. Set it.",
  ],
  "newer-policy": [
    "Parts of the policy need a newer agent",
    "warning",
    "What this version does not understand is not enforced: update it.",
  ],
  "trust-trouble": ["Signed files were damaged", "warning", "Broken files in the store were worked around."],
  "watching-fails": ["Watching fails", "error", "Some of what runs or is installed is not seen."],
  overwhelmed: ["Too much at once", "error", "More happened than could be judged or told; some of it was left out."],
  "state-trouble": [
    "What is remembered cannot be written",
    "error",
    "A restart will not know it: free some space, or repair the disk.",
  ],
  "spool-trouble": ["Reports cannot be written", "error", "The disk refuses reports: free some space."],
  "reports-dropped": ["Reports were dropped", "warning", "The spool was full, the oldest inventory went first."],
  "breaker-open": [
    "A ban stopped itself",
    "error",
    "It hit too many programs at once and only records until the next policy.",
  ],
  "starts-lost": [
    "Too many starts at once",
    "info",
    "The kernel could not tell of every start; all that runs was looked at instead, and what had ended was missed.",
  ],
  unreadable: ["Places could not be read", "info", "Some processes or folders could not be looked into."],
  "line-down": ["A line of defence is down", "warning", "A banned program gets further than it should."],
  "gate-behind": [
    "The gate answers by an older policy",
    "warning",
    "What a newer policy bans is not stopped before it starts, and what it allows again is, until its own gate serves.",
  ],
  "gate-left-out": [
    "The gate leaves out a filesystem",
    "warning",
    "Reading from it stood still and held up the gate: a program there begins to run, and is stopped then. It is tried again in an hour.",
  ],
  limited: ["Limited on this machine", "info", "Not everything works here."],
  hurts: ["The policy may hurt", "warning", "Lint found something in the policy in force."],
} as const satisfies Record<string, readonly [string, Warning["severity"], string]>;

export type WarningCode = keyof typeof catalogue;

/** A warning with its standing text and what is particular this time. */
export function warning(code: WarningCode, detail?: string): Warning {
  const [title, severity, text] = catalogue[code];
  return { code, title, severity, text: detail === undefined ? text : `${text} (${detail})` };
}

type Say = (code: WarningCode, detail?: string) => void;

/** Everything that is not as it should be, now. */
export function warningsOf(house: House): readonly Warning[] {
  const found: Warning[] = [];
  const say: Say = (code, detail) => void found.push(warning(code, detail));
  ofPolicy(house, say);
  ofReports(house, say);
  ofWatching(house, say);
  ofMachine(house, say);
  return found;
}

/** What does not work here, with what that means: of the sweeps `watching-fails` speaks, and where nothing is banned none is missed. */
function ofMachine(house: House, say: Say): void {
  const { gate, stream } = linesOf(standingOf(house));
  const missed = house.policies.current().matcher.policy.bans.length === 0 ? [] : [gate, stream];
  for (const { up, why, means } of missed) if (!up) say("line-down", `${means}: ${why}`);
  const { answering, leftOut } = house.gate;
  if (answering?.behind !== undefined) say("gate-behind", `version ${answering.version}: ${answering.behind}`);
  for (const where of leftOut) say("gate-left-out", where);
  for (const [name, capability] of Object.entries(house.platform.capabilities)) {
    const meaning = meaningOf(name);
    if (meaning !== undefined && !capability.up) say("limited", `${meaning.down}: ${capability.why}`);
  }
}

function ofPolicy({ policies, trust, config, device, clock, missing }: House, say: Say): void {
  const { version, findings, matcher, conflicts, grouping } = policies.current();
  const status = trust.status();
  for (const file of missing) say("missing-file", file);
  if (version === 0) say("no-policy", status.lastError?.message);
  if (status.rejected !== undefined)
    say("policy-refused", `version ${status.rejected.version}: ${status.rejected.why}`);
  if (status.state === "stale" || status.state === "very-stale") say(status.state, status.lastError?.message);
  if (status.problems.length > 0) say("trust-trouble", status.problems.join("; "));
  if (status.floor - clock.now() > lead) say("clock-wrong", `signed at ${formatInstant(status.floor)}`);
  ofParts(conflicts, say);
  const unknown = [...matcher.policy.disabled, ...matcher.policy.ignored, ...grouping.ignored];
  if (unknown[0] !== undefined) say("newer-policy", `${unknown.length}, such as ${unknown[0].path}: ${unknown[0].why}`);
  if (config.enforcement === "observe") say("observing");
  for (const ban of device.current().breakers) say("breaker-open", ban);
  for (const finding of findings) say("hurts", finding.text);
}

/** What others than the base policy's signers have signed, and does not count. */
function ofParts(conflicts: readonly Conflict[], say: Say): void {
  const { true: refused = [], false: others = [] } = Object.groupBy(conflicts, ({ what }) => `${what === "part"}`);
  for (const conflict of refused) say("part-refused", conflictText(conflict));
  if (others[0] !== undefined) say("not-counted", `${others.length}, such as ${conflictText(others[0])}`);
}

function ofReports({ config, reporting, outbox, recorder, state, journal }: House, say: Say): void {
  if (config.server !== undefined && reporting.enrolledAt !== config.server) say("not-enrolled");
  if (reporting.failing !== undefined) say("reports-failing", reporting.failing);
  const { dropped, trouble } = outbox.status();
  const spool = trouble ?? recorder.trouble;
  if (spool !== undefined) say("spool-trouble", spool);
  const lost = Object.values(dropped).reduce((sum, lane) => sum + lane, 0);
  if (lost > 0) say("reports-dropped", `${lost} so far`);
  const memory = state.trouble ?? journal.trouble;
  if (memory !== undefined) say("state-trouble", memory);
}

function ofWatching({ watching, enforcement, unjudged }: House, say: Say): void {
  const { error, lastSweep, installed, lost, execs } = watching.health();
  const failing = error ?? installed.error;
  if (failing !== undefined) say("watching-fails", failing);
  if (unjudged.count > 0) say("watching-fails", `${unjudged.count} not judged, the last: ${unjudged.why ?? "?"}`);
  if (lost + enforcement.lost > 0) say("overwhelmed", `${lost + enforcement.lost} so far`);
  if (execs !== undefined && execs.lost > 0) say("starts-lost", `${execs.lost} times so far`);
  const [processes, files] = [lastSweep?.unreadable ?? 0, installed.scanned?.unreadable ?? 0];
  if (processes + files > 0)
    say(
      "unreadable",
      `${processes} processes${lastSweep?.why === undefined ? "" : `, ${lastSweep.why}`}; ${files} files`,
    );
}
