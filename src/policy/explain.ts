import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import type { Ban } from "#policy/ban.ts";
import type { Matcher } from "#policy/compile.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import type { Verdict } from "#policy/verdict.ts";
import { originText } from "#policy/words.ts";

/** A verdict for a person, line by line: what was seen, what matched, which ban and stage, whose it is, and the ways out. */
export function explain(m: Matcher, verdict: Verdict, evidence: Evidence, at: Instant): readonly string[] {
  const ban = verdict.ban === null ? undefined : m.ban(verdict.ban);
  return [
    ...subjectLines(evidence),
    "",
    `${verdictWords[verdict.mode]} (${verdict.mode}) on ${formatInstant(at)}, because`,
    ...verdict.because.map((reason) => `  · ${reason.text}`),
    ...(ban === undefined ? [] : ["", ...banLines(m, ban)]),
    ...(verdict.mode === "allow" || ban === undefined ? [] : ["", ...waysOut(verdict, ban)]),
  ].map(printable);
}

/** What was seen, and what was read of it, line by line. */
export function describeEvidence(evidence: Evidence): readonly string[] {
  return subjectLines(evidence).map(printable);
}

const verdictWords = {
  allow: "It may run",
  observe: "It may run, and is recorded",
  notify: "It may run, and the person is told",
  warn: "It is stopped until the person acknowledges the warning",
  block: "It is stopped",
  remove: "It is stopped, and put into quarantine",
} as const;

const kindWords = {
  exec: "A program that was started",
  process: "A program that was running already",
  installed: "Something that is installed",
  file: "A file",
} as const;

function subjectLines({ kind, file, script, process, seen, interpreter }: Evidence): readonly string[] {
  const what = script ?? file;
  return [
    what === undefined ? namedText(seen) : `${kindWords[kind]}: ${what.path}`,
    ...(script === undefined ? [] : [`  run by ${file?.path ?? "(no file)"}`]),
    ...(process === undefined
      ? []
      : [
          `  process ${process.pid} of ${process.user ?? process.uid ?? "somebody"}${process.argv === undefined ? "" : `: ${process.argv.join(" ")}`}`,
        ]),
    "What was read of it:",
    ...seenLines(seen),
    ...(interpreter === undefined ? [] : ["What was read of the program that runs it:", ...seenLines(interpreter)]),
  ];
}

/** What has no file: only a database or a person named it. */
function namedText({ package: packages, extension }: Seen): string {
  return "value" in extension ? `An extension: ${readingText(extension)}` : `A package: ${readingText(packages)}`;
}

/** Every kind of identity, whether something was read, nothing is there, or nobody could look. */
function seenLines(seen: Seen): readonly string[] {
  return Object.entries(seen).map(([kind, reading]) => `  ${kind}: ${readingText(reading)}`);
}

function readingText(reading: Seen[keyof Seen]): string {
  if ("unread" in reading) return `not read (${reading.unread})`;
  if ("absent" in reading) return "absent";
  return reading.value.map((value) => (typeof value === "string" ? value : Object.values(value).join(" "))).join(", ");
}

function banLines(m: Matcher, ban: Ban): readonly string[] {
  const stages = ban.stages.map(({ from, mode }) => `${mode} from ${from}`).join(", then ");
  return [
    `The ban ${ban.id} of ${originText(ban, m.policy)}: ${stages}.`,
    ...(ban.reason === undefined ? [] : [`  reason: ${ban.reason}`]),
    ...(ban.reference === undefined ? [] : [`  more about it: ${ban.reference}`]),
    `  owner: ${ban.owner ?? "nobody is named"}`,
  ];
}

function waysOut({ mode, notice }: Verdict, ban: Ban): readonly string[] {
  if (notice === null) return [];
  const instead =
    notice.replacement === undefined
      ? []
      : [`Use ${notice.replacement} instead${notice.url === undefined ? "" : `: ${notice.url}`}`];
  return [
    ...instead,
    ...notice.equivalents.map(({ from, to }) => `  ${from} → ${to}`),
    ...(mode === "warn" ? [`To go on: edict continue ${ban.id} --reason "…"`] : []),
    ...(notice.exceptions
      ? [`To ask for an exception: edict request ${ban.id} --reason "…"`]
      : ["This ban allows no exceptions."]),
  ];
}

/** Names of files can hold anything: nothing in a line may steer a terminal. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\u{2028}\u{2029}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
