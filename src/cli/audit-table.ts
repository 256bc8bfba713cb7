import { never, notJudged } from "#cli/audit-limits.ts";
import { bannedSince, dayOf, howMany, type AuditBan, type AuditRow } from "#cli/audit-rows.ts";
import { clean, pad, width, wrap } from "#lib/pure/text.ts";

export interface AuditResult {
  /** ISO 8601. */
  readonly at: string;
  /** The policy's name, or null where none was given. */
  readonly policy: string | null;
  readonly findings: readonly AuditRow[];
  /** Packages, extensions, programs and configurations that were looked at. */
  readonly looked: number;
  /** Folders of containers and images: what lies there is installed in them, and not here. */
  readonly containers: readonly string[];
  readonly unreadable: {
    readonly count: number;
    readonly named: readonly { readonly path: string; readonly why: string }[];
  };
  /** What is never looked at. */
  readonly never: readonly string[];
}

const heads = ["TOOL", "VERSION", "KNOWN BY", "INSTALLED BY"] as const;
const banHeads = ["BANNED SINCE", "INSTEAD"] as const;
/** Places that could not be read, named to a person; --json names up to a thousand. */
const mostNamed = 10;

/** Columns that one cell may take, and a line below one. */
const widest = 40;
const longest = 400;

/**
 * An audit for a person to read: a line of short columns for each finding, and below it where it lies and how it is known.
 * Names of files can hold anything: no cell steers the terminal. Paths stay in one piece, so that they can be copied.
 * @param columns of the terminal; where the bans do not fit into a line, they have one of their own
 */
export function auditLines(result: AuditResult, columns = Number.MAX_SAFE_INTEGER): readonly string[] {
  const { findings, policy } = result;
  const all = policy === null ? heads : [...heads, ...banHeads];
  const widths = all.map((title, i) => Math.max(title.length, ...findings.map((one) => width(cells(one)[i] ?? ""))));
  const fits = widths.reduce((sum, one) => sum + one + gap.length, -gap.length) <= columns;
  const head = fits ? all : heads;
  const line = (row: readonly string[]): string =>
    head
      .map((_, i) => pad(row[i] ?? "", widths[i] ?? 0))
      .join(gap)
      .trimEnd();
  const flow = (text: string): readonly string[] => flowed(text, columns);
  return [
    ...(findings.length === 0 ? ["No tool of the catalog was found."] : [line(head)]),
    ...findings.flatMap((finding) => [
      line(cells(finding)),
      ...(fits || finding.ban === null ? [] : flow(`  ${banText(finding.ban, "short")}`)),
      ...details(finding, flow),
    ]),
    "",
    ...banLines(findings).flatMap(flow),
    ...footLines(result, flow),
  ];
}

const gap = "  ";

/** Lines that end between words, each as far in as the text of the first. */
function flowed(text: string, columns: number): readonly string[] {
  const begins = /^ *(?:[·!] )?/.exec(text)?.[0] ?? "";
  if (columns - begins.length < 20) return [text];
  return wrap(text.slice(begins.length), columns - begins.length).map(
    (part, i) => (i === 0 ? begins : " ".repeat(begins.length)) + part,
  );
}

function cells(row: AuditRow): readonly string[] {
  const { name, version, grade, known, owner, ban } = row;
  const by = grade === "proof" ? "proof" : counted(known.length, "hint");
  return [name, version ?? "-", by, owner, bannedSince(row) ?? "-", ban?.insteadName ?? "-"].map((cell) =>
    clean(cell, widest),
  );
}

function details(
  { where, also, known, container }: AuditRow,
  flow: (text: string) => readonly string[],
): readonly string[] {
  const others = also.length === 0 ? "" : ` (+${also.length})`;
  const [first, ...more] = known;
  const rest = more.length === 0 ? "" : `; ${counted(more.length, "more identity", "more identities")}`;
  const inside = container === null ? "" : ` (in a container or an image of ${container})`;
  return [`  ${clean(where, longest)}${others}${inside}`, ...flow(`  ${clean(first?.text ?? "", longest)}${rest}`)];
}

/** Each ban that speaks, once; what it says of a proof, where there is one. */
function banLines(findings: readonly AuditRow[]): readonly string[] {
  const lines = new Map<string, string>();
  for (const { name, ban } of findings)
    if (ban !== null && !lines.has(ban.id)) lines.set(ban.id, clean(`! ${name}: ${banText(ban, "whole")}`, longest));
  return [...lines.values()];
}

function banText({ id, mode, since, insteadName, url }: AuditBan, how: "short" | "whole"): string {
  const from = since === null ? "" : ` since ${how === "short" ? dayOf(since) : since}`;
  const by = how === "short" ? "" : ` (${id}: ${mode})`;
  const link = how === "short" || url === null ? "" : `, ${url}`;
  return clean(
    `${mode === "observe" ? "only observed" : "banned"}${from}${by}${insteadName === null ? "" : `; use ${insteadName} instead${link}`}`,
    longest,
  );
}

function footLines(
  { findings, looked, containers, unreadable, policy }: AuditResult,
  flow: (text: string) => readonly string[],
): readonly string[] {
  const proven = findings.filter(({ grade }) => grade === "proof").length;
  const [banned, observed] = [howMany(findings, "banned"), howMany(findings, "observed")];
  const judged =
    policy === null
      ? notJudged
      : `The policy "${clean(policy, longest)}" bans ${banned} of ${counted(findings.length, "finding")} today${observed === 0 ? "" : `, and only observes ${observed}`}.`;
  return [
    ...flow(
      `${counted(looked, "thing")} looked at; ${counted(proven, "finding")} proven, ${findings.length - proven} by hints only (a hint stops nothing).`,
    ),
    ...flow(judged),
    ...(unreadable.count === 0 ? [] : [`${counted(unreadable.count, "place")} could not be read:`]),
    ...unreadable.named.slice(0, mostNamed).map(({ path, why }) => `  ${clean(path, longest)}: ${clean(why, longest)}`),
    ...andMore(unreadable.count),
    ...(containers.length === 0
      ? []
      : flow("Not entered, for it is of containers and images (name a folder to look into it):")),
    ...containers.slice(0, mostNamed).map((path) => `  ${clean(path, longest)}`),
    ...andMore(containers.length),
    "Never looked at:",
    ...never.flatMap((what) => flow(`  · ${what}`)),
  ];
}

function andMore(count: number): readonly string[] {
  return count > mostNamed ? [`  and ${count - mostNamed} more (--json names them)`] : [];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
