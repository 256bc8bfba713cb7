import { parseInstant } from "#lib/pure/instant.ts";
import { clean } from "#lib/pure/text.ts";
import { lookup } from "#notify/message/sentences/languages.ts";
import type { Sentences, Situation } from "#notify/message/sentences/sentences.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Notice } from "#policy/verdict.ts";

/** What a message is made of; every text is clean and bounded, whoever wrote it. */
export interface Facts {
  readonly situation: Situation;
  readonly tool: string;
  readonly ban: string;
  readonly why: string;
  readonly replacement: string | undefined;
  /** What was typed, and what to type instead. */
  readonly command: { readonly from: string; readonly to: string } | undefined;
  /** Where to get the replacement; always https. */
  readonly url: string | undefined;
  readonly reference: string | undefined;
  readonly owner: string | undefined;
  readonly exceptions: boolean;
  /** In words: how long until it is closed, or for how long a warning opens. */
  readonly time: string;
  /** The time of day at which it is closed. */
  readonly clock: string | undefined;
  readonly quarantine: string;
}

/** What a person is told about this; undefined where there is nothing to tell. */
export function situationOf({ did, verdict, evidence }: Outcome): Situation | undefined {
  switch (did) {
    case "stopped":
    case "denied":
      if (verdict.ban === null) return "unread";
      return verdict.mode === "warn" ? "warned" : did;
    case "grace":
    case "quarantined":
      return did;
    case "told":
      if (evidence.process === undefined) return "installed";
      return verdict.mode === "notify" || verdict.grade !== "proof" ? "advised" : "please-close";
    case "failed":
      return evidence.process === undefined ? undefined : "please-close";
    case "recorded":
    case "gone":
    case "spared":
    case "restored":
      return undefined;
  }
}

/** `timeZone` is an IANA name; without it no time of day is said. */
export function factsOf(outcome: Outcome, words: Sentences, language: string, timeZone?: string): Facts | undefined {
  const situation = situationOf(outcome);
  const { verdict, evidence } = outcome;
  const { notice } = verdict;
  if (situation === "unread") return unread(outcome, words);
  if (situation === undefined || verdict.ban === null) return undefined;
  const until = outcome.until === undefined ? undefined : parseInstant(outcome.until);
  const wait = until === undefined ? (notice?.warnFor ?? 0) : until - parseInstant(outcome.at);
  const command = commandFor(notice?.equivalents ?? [], evidence);
  return {
    situation,
    tool: clean(notice?.tool ?? verdict.tool ?? verdict.ban, 48),
    ban: clean(verdict.ban, 64),
    why: clean(reasonOf(notice, words, language), 480) || words.noReason,
    replacement: text(notice?.replacement ?? verdict.replacement?.tool, 48),
    command: command && { from: clean(command.from, 40), to: clean(command.to, 160) },
    url: link(notice?.url ?? verdict.replacement?.url),
    reference: link(notice?.reference),
    owner: text(notice?.owner, 120),
    exceptions: notice?.exceptions ?? true,
    time: duration(wait, words.language),
    clock: until === undefined || timeZone === undefined ? undefined : timeOfDay(until, words.language, timeZone),
    quarantine: clean(outcome.quarantine ?? "", 64),
  };
}

/** Nobody banned it, so there is nothing to use instead and nobody to ask. */
function unread({ evidence }: Outcome, words: Sentences): Facts {
  const path = evidence.file?.path ?? "";
  return {
    situation: "unread",
    tool: clean(path.slice(path.lastIndexOf("/") + 1), 48),
    ban: "",
    why: words.unread,
    replacement: undefined,
    command: undefined,
    url: undefined,
    reference: undefined,
    owner: undefined,
    exceptions: false,
    time: "",
    clock: undefined,
    quarantine: "",
  };
}

/** The administrator's words in the person's language, else in the language of the other sentences, else the reason. */
function reasonOf(notice: Notice | null, words: Sentences, language: string): string {
  if (notice === null) return "";
  const said = Object.entries(notice.message);
  for (const range of [language, words.language]) {
    const found = lookup(range, said, ([tag]) => tag);
    if (found !== undefined && found[1].trim() !== "") return found[1];
  }
  return notice.reason;
}

const text = (value: string | undefined, most: number): string | undefined =>
  value === undefined ? undefined : clean(value, most) || undefined;

/** Only what a browser may be sent to (RFC 3986 is ASCII), and only whole: nothing is cut from a link. */
function link(url: string | undefined): string | undefined {
  return url !== undefined && /^https:\/\/[\u0021-\u007e]{1,240}$/u.test(url) ? url : undefined;
}

/** The pair whose `from` the person typed, the longest such; else the first there is. */
function commandFor(pairs: Notice["equivalents"], evidence: Evidence): { from: string; to: string } | undefined {
  const lines = typed(evidence);
  const fits = pairs.filter(({ from }) => {
    const words = from.split(" ");
    return lines.some((line) => words.every((word, i) => line[i] === word));
  });
  return fits.toSorted((a, b) => b.from.length - a.from.length)[0] ?? pairs[0];
}

/** The command lines it may have been, as words: a script's begins at the script, behind its interpreter's options. */
function typed({ process, script, seen }: Evidence): readonly (readonly string[])[] {
  const argv = process?.argv ?? [];
  const starts = script === undefined ? [0] : [0, 1, 2, 3];
  const lines = starts.map((i) => [(argv[i] ?? "").split("/").at(-1) ?? "", ...argv.slice(i + 1, i + 16)]);
  const names = "value" in seen.name ? seen.name.value : [];
  return [...lines, ...names.map((name) => [name, ...argv.slice(1, 16)])];
}

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

/** "10 minutes": rounded up, so that nobody is promised less than they get. */
function duration(ms: number, language: string): string {
  const [unit, size] =
    ms >= 2 * day
      ? (["day", day] as const)
      : ms >= 2 * hour
        ? (["hour", hour] as const)
        : ms >= minute
          ? (["minute", minute] as const)
          : (["second", 1000] as const);
  const count = Math.max(1, Math.ceil(ms / size));
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

function timeOfDay(at: number, language: string, timeZone: string): string {
  const style = { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return new Intl.DateTimeFormat(language, style).format(at);
}
