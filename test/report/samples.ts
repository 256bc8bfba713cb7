import type { Evidence } from "#policy/evidence.ts";
import type { Deed, Outcome } from "#policy/outcome.ts";
import type { Verdict } from "#policy/verdict.ts";
import type { DeviceInfo, Health, Inventory } from "#report/ocsf.ts";

/** What the rooms before this one would hand over on 10 July. */
export const device: DeviceInfo = {
  id: "ab".repeat(32),
  hostname: "ann-laptop",
  os: "linux",
  groups: ["engineering"],
};

const unread = { unread: "not given" };
const seen: Evidence["seen"] = {
  package: { value: [{ ecosystem: "npm", id: "@anthropic-ai/claude-code", version: "2.1.330" }] },
  extension: unread,
  signer: unread,
  hash: { value: ["c".repeat(64)] },
  marker: { absent: true },
  path: unread,
  name: { value: ["claude"] },
  config: unread,
};

export const running: Evidence = {
  id: "0198f5b0-0000-7000-8000-000000000001",
  kind: "exec",
  at: "2026-07-10T00:00:00Z",
  file: { path: "/usr/bin/node", dev: "8:1", ino: "41", size: 1, owner: 0 },
  script: { path: "/home/ann/.npm/claude-code/cli.js", dev: "8:1", ino: "42", size: 2, owner: 1000 },
  process: {
    pid: 77,
    start: 735_022,
    startedAt: "2026-07-10T00:00:00.250Z",
    ppid: 7,
    session: 70,
    uid: 1000,
    user: "ann",
    tty: "/dev/pts/3",
    argv: ["claude", "--token", "sk-secret", "what is my salary?"],
  },
  seen,
};

export const installed: Evidence = {
  id: "0198f5b0-0000-7000-8000-000000000002",
  kind: "installed",
  file: { path: "/opt/lib/node_modules/@anthropic-ai/claude-code", owner: 0 },
  seen,
};

const verdict: Verdict = {
  evidence: [running.id],
  mode: "block",
  ban: "claude-code",
  tool: "claude-code",
  grade: "proof",
  stage: 1,
  since: "2026-07-10T00:00:00+08:00",
  because: [
    { rule: "identity", kind: "package", text: "the npm package @anthropic-ai/claude-code owns the file" },
    { rule: "stage", text: "blocked since 10 July" },
  ],
  replacement: { tool: "qoder", url: "https://qoder.example/download" },
  exception: null,
  notice: {
    tool: "Claude Code",
    reason: "On the list of high-risk software with security vulnerabilities.",
    message: { en: "Not approved here since 10 July." },
    replacement: "Qoder",
    equivalents: [{ from: "claude", to: "qodercli -w ." }],
    grace: 600_000,
    warnFor: 28_800_000,
    strict: false,
    exceptions: true,
    notifyPerDay: 3,
  },
};

export function outcome(did: Deed, evidence: Evidence = running, more: Partial<Outcome> = {}): Outcome {
  return { id: "0198f5b0-0000-7000-8000-00000000000a", at: "2026-07-10T00:00:01Z", verdict, evidence, did, ...more };
}

export const health: Health = {
  kind: "health",
  at: "2026-07-10T00:00:02Z",
  what: "state",
  warnings: [{ code: "stale-policy", title: "The policy is stale", severity: "warning", text: "No answer for a day." }],
  facts: { policyVersion: 3, trust: "stale" },
};

export const inventory: Inventory = {
  kind: "inventory",
  at: "2026-07-10T00:00:03Z",
  tool: "qoder",
  name: "Qoder",
  role: "replacement",
  present: true,
  package: { ecosystem: "npm", id: "@qoder-ai/qodercli", version: "1.0.0" },
  path: "/usr/local/lib/node_modules/@qoder-ai/qodercli",
};
