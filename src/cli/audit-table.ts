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
}

const heads = ["TOOL", "VERSION", "WHERE", "OWNER", "HOW KNOWN"] as const;
/** Places that could not be read, named to a person; --json names up to a thousand. */
const mostNamed = 10;

/** Columns one cell may take. */
const widest = 70;

/** An audit for a person to read. Names of files can hold anything: no cell steers the terminal. */
export function auditLines(result: AuditResult): readonly string[] {
  const { findings, unreadable, policy } = result;
  const rows = findings.map(cells);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => width(row[i] ?? ""))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    ...(findings.length === 0 ? ["No tool of the catalog was found."] : [line(heads)]),
    ...findings.flatMap((finding, i) => [line(rows[i] ?? []), ...details(finding)]),
    "",
    `${counted(result.looked, "thing")} looked at; ${counted(findings.filter((f) => f.grade === "proof").length, "finding")} proven, ${findings.filter((f) => f.grade === "hint").length} by hints only (a hint stops nothing).`,
    ...(policy === null ? ["No policy was given: nothing was judged (--policy FILE)."] : []),
    ...(unreadable.count === 0 ? [] : [`${counted(unreadable.count, "place")} could not be read:`]),
    ...unreadable.named.slice(0, mostNamed).map(({ path, why }) => `  ${clean(path, widest)}: ${clean(why, widest)}`),
    ...(unreadable.count > mostNamed ? [`  and ${unreadable.count - mostNamed} more (--json names them)`] : []),
  ];
}

function cells({ name, version, where, owner, grade, known, also }: AuditRow): readonly string[] {
  const others = also.length === 0 ? "" : ` (+${also.length})`;
  const how = (known[0] ?? "").replace(/ \((?:proof|hint)\)$/, "");
  return [
    clean(name, 40),
    clean(version ?? "-", 20),
    clean(where, widest) + others,
    clean(owner, 32),
    clean(`${grade}: ${how}`, widest),
  ];
}

function details({ ban }: AuditRow): readonly string[] {
  if (ban === null) return [];
  const since = ban.since === null ? "" : ` since ${ban.since}`;
  const instead = ban.instead === null ? "" : `; use ${ban.instead} instead${ban.url === null ? "" : `, ${ban.url}`}`;
  return [clean(`! banned${since} (${ban.id}: ${ban.mode})${instead}`, 200)].map((text) => `  ${text}`);
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
