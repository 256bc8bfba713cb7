import type { Facts } from "#notify/message/facts.ts";
import type { Sentences } from "#notify/message/sentences/sentences.ts";

/** What a person types to ask, to go on, or to understand. The words are the same in every language. */
export const commands = {
  why: ({ ban }: Facts): string => `edict why ${ban}`,
  request: ({ ban }: Facts, words: Sentences): string => `edict request ${ban} --reason "${words.yourReason}"`,
  continue: ({ ban }: Facts, words: Sentences): string => `edict continue ${ban} --reason "${words.yourReason}"`,
} as const;

/** A sentence with its words filled in, once: what is filled in is never looked at for braces. */
export function fill(sentence: string, facts: Facts, words: Sentences): string {
  const values: Readonly<Record<string, string | undefined>> = {
    tool: facts.tool,
    replacement: facts.replacement,
    typed: facts.command?.from,
    command: facts.command?.to,
    request: commands.request(facts, words),
    continue: commands.continue(facts, words),
    time: facts.time,
    clock: facts.clock,
    id: facts.quarantine,
  };
  return sentence.replaceAll(/\{(\w+)\}/gu, (whole, word: string) => values[word] ?? whole);
}

/** The first sentence. */
export function headline(facts: Facts, words: Sentences): string {
  return fill(facts.clock === undefined ? words.headline[facts.situation] : words.graceAt, facts, words);
}
