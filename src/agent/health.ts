import type { House } from "#agent/house.ts";
import type { Warning } from "#protocol/status.ts";

/** What can be wrong with an agent, as data. The text says what it means and what to do. */
const catalogue = {
  "no-policy": ["No policy", "warning", "No signed policy has arrived yet: nothing is banned on this device."],
  "policy-refused": [
    "Policy refused",
    "error",
    "The newest signed policy cannot be used here; the last good one stays in force.",
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
  "spool-trouble": ["Reports cannot be written", "error", "The disk refuses reports: free some space."],
  "reports-dropped": ["Reports were dropped", "warning", "The spool was full, the oldest inventory went first."],
  "breaker-open": [
    "A ban stopped itself",
    "error",
    "It hit too many programs at once and only records until the next policy.",
  ],
  unreadable: ["Places could not be read", "info", "Some processes or folders could not be looked into."],
  limited: ["Limited on this machine", "info", "Not everything works here."],
  hurts: ["The policy may hurt", "warning", "Lint found something in the policy in force."],
} as const satisfies Record<string, readonly [string, Warning["severity"], string]>;

export type WarningCode = keyof typeof catalogue;

/** A warning with its standing text and what is particular this time. */
export function warning(code: WarningCode, detail?: string): Warning {
  const [title, severity, text] = catalogue[code];
  return { code, title, severity, text: detail === undefined ? text : `${text} (${detail})` };
}

/** Everything that is not as it should be, now. */
export function warningsOf(house: House): readonly Warning[] {
  const { policies, trust, config, identity, outbox, recorder, device, platform } = house;
  const { version, findings } = policies.current();
  const status = trust.status();
  const found: Warning[] = [];
  const say = (code: WarningCode, detail?: string): void => void found.push(warning(code, detail));
  if (version === 0) say("no-policy", status.lastError?.message);
  if (status.rejected !== undefined)
    say("policy-refused", `version ${status.rejected.version}: ${status.rejected.why}`);
  if (status.state === "stale" || status.state === "very-stale") say(status.state, status.lastError?.message);
  if (config.enforcement === "observe") say("observing");
  if (config.server !== undefined && identity.enrolledAt === undefined) say("not-enrolled");
  if (recorder.trouble !== undefined) say("spool-trouble", recorder.trouble);
  const dropped = Object.values(outbox.status().dropped).reduce((sum, lane) => sum + lane, 0);
  if (dropped > 0) say("reports-dropped", `${dropped} so far`);
  for (const ban of device.current().breakers) say("breaker-open", ban);
  for (const finding of findings) say("hurts", finding.text);
  for (const [name, capability] of Object.entries(platform.capabilities))
    if (!capability.up) say("limited", `${name}: ${capability.why}`);
  return found;
}
