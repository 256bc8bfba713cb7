import { nobodys, type Verdict } from "#policy/verdict.ts";

/** Why there is no answer in time. */
export const lateWords = {
  bytes: "it could not be read in time",
  agent: "the agent did not answer in time",
  failed: "a fault of ours",
} as const;

/** Of a program that nobody banned, on a machine that fails closed. */
export function unreadVerdict(evidence: string, why: string): Verdict {
  return { evidence: [evidence], mode: "block", ...nobodys, because: [{ rule: "unread", text: why }] };
}
