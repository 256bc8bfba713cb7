import type { Facts } from "#notify/message/facts.ts";
import { fill, headline } from "#notify/message/fill.ts";
import type { Sentences } from "#notify/message/sentences/sentences.ts";
import type { Toast } from "#protocol/session.ts";

/** A toast that makes sense without its buttons: some servers draw none. Plain text; the session escapes it. */
export function toast(id: string, facts: Facts, words: Sentences): Toast {
  const url = facts.url ?? facts.reference;
  const lines = [facts.why, ...insteadOf(facts, words), ...next(facts, words)];
  return {
    type: "toast",
    id,
    title: headline(facts, words),
    body: lines.join("\n"),
    actions: [...actionsOf(facts, words)],
    ...(url !== undefined && { url }),
  };
}

function insteadOf(facts: Facts, words: Sentences): readonly string[] {
  if (facts.replacement === undefined) return [];
  return [fill(facts.command === undefined ? words.use : words.useShort, facts, words)];
}

/** What the person can do now. */
function next(facts: Facts, words: Sentences): readonly string[] {
  const ask = facts.exceptions ? [fill(words.askShort, facts, words)] : [];
  switch (facts.situation) {
    case "warned":
      return [fill(words.continueShort, facts, words)];
    case "stopped":
    case "denied":
      return ask;
    case "grace":
    case "advised":
    case "please-close":
    case "installed":
    case "quarantined":
    case "unread":
      return [fill(words.comfort[facts.situation], facts, words), ...ask];
  }
}

/** Three at most: GNOME draws no more. */
function* actionsOf(facts: Facts, words: Sentences): Generator<Toast["actions"][number]> {
  if (facts.situation === "unread") return; // no ban to ask about
  if (facts.url !== undefined && facts.replacement !== undefined)
    yield { key: "open", label: fill(words.button.get, facts, words) };
  else if (facts.url !== undefined || facts.reference !== undefined) yield { key: "open", label: words.button.more };
  if (facts.situation === "warned") yield { key: "continue", label: fill(words.button.continue, facts, words) };
  else if (facts.exceptions) yield { key: "request", label: words.button.request };
  yield { key: "why", label: words.button.why };
}
