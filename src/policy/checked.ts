import type { Matcher } from "#policy/compile.ts";
import type { Seen } from "#policy/evidence.ts";
import { holdsOn, type Os } from "#policy/text.ts";
import { gradeOf, type Identity, type Tool } from "#policy/tool.ts";
import type { Grade } from "#policy/verdict.ts";
import { identityText } from "#policy/words.ts";

/** How one identity of a tool stands against what was read: it is there, it is not, or nobody can say. */
export interface Checked {
  readonly tool: string;
  readonly kind: Identity["kind"];
  /** The identity in words. */
  readonly text: string;
  readonly grade: Grade;
  readonly is: "value" | "absent" | "unread";
  /** Why it is unread. */
  readonly why?: string;
}

/** Every identity of some tools that holds on this system, each against what was seen of one file. */
export function checked(m: Matcher, tools: readonly Tool[], seen: Seen, os: Os): readonly Checked[] {
  const there = new Set(m.claims(seen, os).map((claim) => claim.identity));
  return tools.flatMap(({ id, identities }) =>
    identities
      .filter((identity) => holdsOn(identity.os, os))
      .map((identity) => {
        const { kind } = identity;
        const reading = seen[kind];
        const unread =
          !there.has(identity) && "unread" in reading ? ({ is: "unread", why: reading.unread } as const) : undefined;
        const is = there.has(identity) ? "value" : "absent";
        return {
          tool: id,
          kind,
          text: identityText(identity),
          grade: gradeOf(identity),
          ...(unread ?? ({ is } as const)),
        };
      }),
  );
}
