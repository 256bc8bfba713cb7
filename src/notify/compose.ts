import { block } from "#notify/message/block.ts";
import { factsOf } from "#notify/message/facts.ts";
import { sentencesFor } from "#notify/message/sentences/languages.ts";
import { toast } from "#notify/message/toast.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Toast } from "#protocol/session.ts";

/** The same news twice: for the terminal in which it happened, and for the desktop. */
export interface Message {
  /** Lines that end in "\n", at most 80 columns wide and 4,000 bytes in all; no control character but "\n". */
  readonly terminal: string;
  readonly toast: Toast;
}

/**
 * What happened, why, what to use instead, how to ask, and whom. Pure. Undefined where a person has nothing to learn from it.
 * @param language BCP 47 @param timeZone IANA name; without it no time of day is said
 */
export function compose(outcome: Outcome, language: string, timeZone?: string): Message | undefined {
  const words = sentencesFor(language);
  const facts = factsOf(outcome, words, language, timeZone);
  return facts && { terminal: block(facts, words), toast: toast(outcome.id, facts, words) };
}
