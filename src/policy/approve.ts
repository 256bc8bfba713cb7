import type { Claim } from "#policy/claim.ts";
import { isIntrinsic } from "#policy/tool.ts";
import type { Reason } from "#policy/verdict.ts";

/** Claims of banned tools that no approval frees, and the approval in words where there is one. */
interface Bound {
  readonly bound: readonly Claim[];
  readonly approval: Reason | undefined;
}

/**
 * The approved go first, as far as their proof reaches. What is said beside the bytes (package, extension, path) frees
 * from what is said beside the bytes and from all hints. From what stands in the bytes (hash, marker, signer) only such
 * a proof frees: a banned binary inside the approved package stays banned, a fork that is proven to be approved does not.
 */
export function approvedFirst(claims: readonly Claim[]): Bound {
  const banned = claims.filter((claim) => claim.target.bans.length > 0);
  const approvals = claims.filter((claim) => claim.target.approved && claim.proves);
  const approval = approvals.find((claim) => isIntrinsic(claim.identity.kind)) ?? approvals[0];
  if (approval === undefined) return { bound: banned, approval: undefined };
  const { kind } = approval.identity;
  const bound = isIntrinsic(kind) ? [] : banned.filter((claim) => claim.proves && isIntrinsic(claim.identity.kind));
  const but = bound.length === 0 ? "" : "; that does not free what its own bytes say";
  return { bound, approval: { rule: "approved", kind, text: `approved is ${approval.reason.text}${but}` } };
}
