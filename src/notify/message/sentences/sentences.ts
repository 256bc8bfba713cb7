/** What a message is about. Each has its own first sentence. */
export type Situation =
  | "stopped"
  | "denied"
  | "warned"
  | "grace"
  | "advised"
  | "please-close"
  | "installed"
  | "quarantined"
  /** The machine lets nothing start that could not be looked at in time. */
  | "unread";

/**
 * Everything Edict says to a person, in one language. Words in braces are filled in: {tool} {replacement} {typed}
 * {command} {request} {continue} {time} {clock} {id}. Speak kindly and plainly: the person did nothing wrong, and wants to go on working.
 */
export interface Sentences {
  /** BCP 47, for numbers and times. */
  readonly language: string;
  readonly headline: Readonly<Record<Situation, string>>;
  /** Said below the first sentence. */
  readonly comfort: Readonly<Record<Situation, string>>;
  /** The headline of a grace where the time of day is known. */
  readonly graceAt: string;
  readonly label: {
    readonly why: string;
    readonly instead: string;
    readonly get: string;
    readonly continue: string;
    readonly exception: string;
    readonly details: string;
    readonly questions: string;
    readonly more: string;
  };
  readonly use: string;
  readonly useTyped: string;
  /** On a toast, where there is less room. */
  readonly useShort: string;
  readonly askShort: string;
  readonly continueShort: string;
  /** Where the policy gives no reason in any language. */
  readonly noReason: string;
  /** Why it was not started, where nobody banned it. */
  readonly unread: string;
  /** Stands for the person's own words in a command that is shown. */
  readonly yourReason: string;
  /** Buttons. */
  readonly button: {
    readonly get: string;
    readonly more: string;
    readonly continue: string;
    readonly request: string;
    readonly why: string;
  };
}
