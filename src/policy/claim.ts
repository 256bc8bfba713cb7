import type { Ban } from "#policy/ban.ts";
import type { Os } from "#policy/text.ts";
import { gradeOf, type Identity, type Tool } from "#policy/tool.ts";
import type { Notice, Reason } from "#policy/verdict.ts";
import { identityText } from "#policy/words.ts";

/** A tool that is looked for: banned, approved, or both. */
export interface Target {
  readonly tool: Tool;
  readonly approved: boolean;
  readonly bans: readonly TimedBan[];
}

/** A ban with its instants as milliseconds. */
export class TimedBan {
  readonly ban: Ban;
  /** When each stage begins, in the order of the ban's stages. */
  readonly from: readonly number[];
  readonly #makeNotice: (ban: Ban) => Notice;
  #notice: Notice | undefined;

  constructor(ban: Ban, from: readonly number[], makeNotice: (ban: Ban) => Notice) {
    this.ban = ban;
    this.from = from;
    this.#makeNotice = makeNotice;
  }

  /** Frozen, made when it is first asked for, and the same value each time. */
  get notice(): Notice {
    this.#notice ??= this.#makeNotice(this.ban);
    return this.#notice;
  }
}

/** "This is that tool, by that identity." */
export class Claim {
  readonly target: Target;
  readonly identity: Identity;
  readonly proves: boolean;
  readonly os: Os | readonly Os[] | undefined;
  #reason: Reason | undefined;

  constructor(target: Target, identity: Identity) {
    this.target = target;
    this.identity = identity;
    this.proves = gradeOf(identity) === "proof";
    this.os = identity.os;
  }

  /** In words; frozen, and the same value each time. */
  get reason(): Reason {
    const { tool } = this.target;
    this.#reason ??= Object.freeze({
      rule: "identity",
      kind: this.identity.kind,
      text: `${tool.name}: ${identityText(this.identity)} (${this.proves ? "proof" : "hint"})`,
    });
    return this.#reason;
  }
}
