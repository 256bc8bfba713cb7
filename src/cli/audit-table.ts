import { never } from "#cli/audit-limits.ts";
import type { AuditRow } from "#cli/audit-rows.ts";
import { clean, pad, width } from "#lib/pure/text.ts";

export interface AuditResult {
  /** ISO 8601. */
  readonly at: string;
  /** The policy's name, or null where none was given. */
  readonly policy: string | null;
  readonly findings: readonly AuditRow[];
  /** Packages, extensions, programs and configurations that were looked at. */
  readonly looked: number;
  readonly unreadable: {
    readonly count: number;
    readonly named: readonly { readonly path: string; readonly why: string }[];
  };
  /** What is never looked at. */
  readonly never: readonly string[];
}

const heads = ["TOOL", "VERSION", "KNOWN BY", "OWNER"] as const;
const banHeads = ["BANNED SINCE", "INSTEAD"] as const;
/** Places that could not be read, named to a person; --json names up to a thousand. */
const mostNamed = 10;

/** Columns that one cell may take, and a line below one. */
const widest = 40;
const longest = 400;

/**
 * An audit for a person to read: a line of short columns for each finding, and below it where it lies and how it is known.
 * Names of files can hold anything: no cell steers the terminal.
 */
export function auditLines(result: AuditResult): readonly string[] {
  const { findings, policy } = result;
  const head = policy === null ? heads : [...heads, ...banHeads];
  const rows = findings.map((finding) => cells(finding).slice(0, head.length));
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => width(row[i] ?? ""))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    ...(findings.length === 0 ? ["No tool of the catalog was found."] : [line(head)]),
    ...findings.flatMap((finding, i) => [line(rows[i] ?? []), ...details(finding)]),
    "",
    ...banLines(findings),
    ...footLines(result),
  ];
}

function cells({ name, version, grade, known, owner, ban }: AuditRow): readonly string[] {
  const by = grade === "proof" ? "proof" : `${known.length} hint${known.length === 1 ? "" : "s"}`;
  const since = ban === null ? "-" : (ban.since ?? "now").slice(0, "2026-07-10".length);
  return [name, version ?? "-", by, owner, since, ban?.insteadName ?? "-"].map((cell) => clean(cell, widest));
}

function details({ where, also, known }: AuditRow): readonly string[] {
  const others = also.length === 0 ? "" : ` (+${also.length})`;
  const [first, ...more] = known;
  const rest = more.length === 0 ? "" : `; ${counted(more.length, "more identity", "more identities")}`;
  return [`${clean(where, longest)}${others}`, `${clean(first?.text ?? "", longest)}${rest}`].map(
    (text) => `  ${text}`,
  );
}

/** Each ban that speaks, once. */
function banLines(findings: readonly AuditRow[]): readonly string[] {
  const lines = findings.flatMap(({ name, ban }) => {
    if (ban === null) return [];
    const since = ban.since === null ? "" : ` since ${ban.since}`;
    const instead =
      ban.insteadName === null ? "" : `; use ${ban.insteadName} instead${ban.url === null ? "" : `, ${ban.url}`}`;
    return [clean(`! ${name} is banned${since} (${ban.id}: ${ban.mode})${instead}`, longest)];
  });
  return [...new Set(lines)];
}

function footLines({ findings, looked, unreadable, policy }: AuditResult): readonly string[] {
  const proven = findings.filter(({ grade }) => grade === "proof").length;
  const found = counted(proven, "finding");
  return [
    `${counted(looked, "thing")} looked at; ${found} proven, ${findings.length - proven} by hints only (a hint stops nothing).`,
    ...(policy === null ? ["No policy was given: nothing was judged (--policy FILE)."] : []),
    ...(unreadable.count === 0 ? [] : [`${counted(unreadable.count, "place")} could not be read:`]),
    ...unreadable.named.slice(0, mostNamed).map(({ path, why }) => `  ${clean(path, longest)}: ${clean(why, longest)}`),
    ...(unreadable.count > mostNamed ? [`  and ${unreadable.count - mostNamed} more (--json names them)`] : []),
    "Never looked at:",
    ...never.map((what) => `  · ${what}`),
  ];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
