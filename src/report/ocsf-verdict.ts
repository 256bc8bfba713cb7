import type { Deed, Outcome } from "#policy/outcome.ts";
import type { OcsfVerdict } from "#protocol/ocsf.ts";
import { clip } from "#report/ocsf-subject.ts";

const allowed = { action_id: 1, action: "Allowed" };
const denied = { action_id: 2, action: "Denied" };
const observed = { action_id: 3, action: "Observed" };
const low = 2;
const medium = 3;
const high = 4;

/** OCSF's security control, deed by deed. */
const controls = {
  recorded: { ...observed, disposition_id: 17, disposition: "Logged", severity_id: 1 },
  told: { ...allowed, disposition_id: 19, disposition: "Alert", severity_id: low },
  grace: { ...allowed, disposition_id: 14, disposition: "Delayed", severity_id: low },
  denied: { ...denied, disposition_id: 2, disposition: "Blocked", severity_id: medium },
  stopped: { ...denied, disposition_id: 2, disposition: "Blocked", severity_id: medium },
  gone: { ...observed, disposition_id: 16, disposition: "No Action", severity_id: low },
  spared: { ...observed, disposition_id: 16, disposition: "No Action", severity_id: low },
  quarantined: { ...denied, disposition_id: 3, disposition: "Quarantined", severity_id: medium },
  restored: { ...allowed, disposition_id: 9, disposition: "Restored", severity_id: low },
  failed: { ...allowed, disposition_id: 27, disposition: "Error", severity_id: high },
} as const satisfies Record<Deed, unknown>;

export function controlOf(outcome: Outcome) {
  const control = controls[outcome.did];
  return {
    ...control,
    status_id: outcome.did === "failed" ? 2 : 1,
    ...(outcome.error !== undefined && { status_detail: clip(outcome.error, 1024) }),
    confidence_id: outcome.verdict.grade === "proof" ? 3 : 1,
    is_alert: control.severity_id >= medium,
  };
}

const sentences: Record<Deed, string> = {
  recorded: "was seen",
  told: "was seen, and the person told",
  grace: "runs, the person was told, and it will be stopped",
  denied: "was not let start",
  stopped: "was stopped",
  gone: "ended by itself before it could be stopped",
  spared: "was let alone: it is no longer what was judged",
  quarantined: "was put into quarantine",
  restored: "was given back from quarantine",
  failed: "could not be dealt with",
};

/** One sentence for a list: what, and what became of it. */
export function messageOf({ verdict, did }: Outcome): string {
  return clip(`${verdict.notice?.tool ?? verdict.tool ?? "Something"} ${sentences[did]}`, 1024);
}

/** The verdict with its reasons: what the employee can see about it, the administrator sees too (law 9). */
export function verdictOf(outcome: Outcome): OcsfVerdict {
  const { verdict } = outcome;
  return {
    ban: verdict.ban,
    tool: verdict.tool,
    mode: verdict.mode,
    grade: verdict.grade,
    stage: verdict.stage,
    because: verdict.because.slice(0, 32).map(({ rule, kind, text }) => ({
      rule,
      ...(kind !== undefined && { kind }),
      text: clip(text, 512),
    })),
    replacement:
      verdict.replacement === null
        ? null
        : {
            tool: clip(verdict.replacement.tool, 512),
            ...(verdict.notice?.replacement !== undefined && { name: clip(verdict.notice.replacement, 512) }),
            ...(verdict.replacement.url !== undefined && { url: clip(verdict.replacement.url, 2048) }),
          },
    exception: verdict.exception === null ? null : { until: verdict.exception.until },
    did: outcome.did,
    ...(outcome.until !== undefined && { until: outcome.until }),
    ...(outcome.ended !== undefined && { ended: outcome.ended.slice(0, 1024) }),
    ...(outcome.left !== undefined && { left: outcome.left.slice(0, 1024) }),
    ...(outcome.quarantine !== undefined && { quarantine: outcome.quarantine }),
    ...(outcome.error !== undefined && { error: clip(outcome.error, 1024) }),
  };
}
