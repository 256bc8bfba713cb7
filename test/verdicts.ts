import type { Evidence } from "#policy/evidence.ts";
import type { Notice, Verdict } from "#policy/verdict.ts";

export const notice: Notice = {
  tool: "Claude Code",
  reason: "On the list of high-risk software with security vulnerabilities.",
  reference: "https://intranet.example/notices/2026-07",
  owner: "security@example.com",
  message: {
    en: "Claude Code is not approved here since 10 July.",
    "zh-CN": "自 7 月 10 日起，公司内禁止使用 Claude Code。",
  },
  replacement: "Qoder",
  url: "https://qoder.example/download",
  equivalents: [
    { from: "claude", to: "qodercli -w ." },
    { from: "claude -p", to: "qodercli -q" },
  ],
  grace: 600_000,
  warnFor: 8 * 3_600_000,
  strict: false,
  exceptions: true,
  notifyPerDay: 3,
};

export function verdictOf(over: Partial<Verdict> = {}): Verdict {
  return {
    evidence: ["e1"],
    mode: "block",
    ban: "claude-code",
    tool: "claude-code",
    grade: "proof",
    stage: 1,
    since: "2026-07-10T00:00:00Z",
    because: [],
    replacement: { tool: "qoder", url: "https://qoder.example/download" },
    exception: null,
    notice,
    ...over,
  };
}

const unread = { unread: "not read" };
const seen = {
  package: unread,
  extension: unread,
  signer: unread,
  hash: unread,
  marker: unread,
  path: unread,
  name: unread,
  config: unread,
};

/** Ann's program, seen as `kind`. */
export function evidenceOf(kind: Evidence["kind"] = "exec", over: Partial<Evidence> = {}): Evidence {
  const running = kind === "exec" || kind === "process";
  return {
    id: "e1",
    kind,
    file: { path: "/home/ann/.local/bin/claude", dev: "8:1", ino: "7", size: 1, nlink: 1, owner: 1000 },
    ...(running && {
      process: {
        pid: 7,
        start: 700,
        startedAt: kind === "exec" ? "2026-07-10T09:00:00Z" : "2026-07-09T09:00:00Z",
        ppid: 5,
        session: 5,
        uid: 1000,
        user: "ann",
        tty: "/dev/pts/3",
        argv: ["claude"],
      },
    }),
    seen,
    ...over,
  };
}
