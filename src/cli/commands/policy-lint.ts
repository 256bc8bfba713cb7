import { catalogOf } from "#cli/catalog.ts";
import type { Command, Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readNamed } from "#cli/policy-files.ts";
import { locate } from "#lib/pure/json-locate.ts";
import { policyBounds } from "#policy/ban.ts";
import { lint } from "#policy/lint.ts";
import { parsePolicy, PolicyError } from "#policy/parse.ts";
import { pathText } from "#policy/problem.ts";
import type { Catalog } from "#policy/tool.ts";

interface Report {
  readonly file: string;
  readonly bans: number;
  /** Why it is no policy; empty where it is one. */
  readonly errors: readonly {
    readonly code: string;
    readonly path: string;
    readonly line: number | null;
    readonly text: string;
  }[];
  readonly warnings: readonly {
    readonly code: string;
    readonly path: string;
    readonly line: number;
    readonly text: string;
  }[];
}

/** `edict policy lint FILE…`: 0, or 2 with path, line and reason. Warnings are for the author to weigh. */
export const command: Command = {
  arguments: ["<file...>"],
  options: [
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const catalog = await catalogOf(input, io);
    const reports: Report[] = [];
    for (const file of input.args) reports.push(await lintFile(file, catalog, io));
    if (input.options["json"] === true) io.out(`${JSON.stringify(reports)}\n`);
    else for (const report of reports) print(report, io);
    return reports.some((report) => report.errors.length > 0) ? exitCodes.usage[0] : exitCodes.ok[0];
  },
};

async function lintFile(file: string, catalog: Catalog, io: Io): Promise<Report> {
  const bytes = await readNamed(io, file, policyBounds.policy + 1);
  try {
    const policy = parsePolicy(bytes);
    const warnings = lint(policy, catalog, { at: io.clock.now() }).map(({ code, path, text }) => ({
      code,
      path: pathText(path),
      line: locate(bytes, path),
      text,
    }));
    return { file, bans: policy.bans.length, errors: [], warnings };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const errors = error.problems.map((text) => ({
      code: error.code,
      path: error.path,
      line: error.line ?? null,
      text,
    }));
    return { file, bans: 0, errors, warnings: [] };
  }
}

function print({ file, bans, errors, warnings }: Report, io: Io): void {
  for (const { text } of errors) io.err(`${file}: ${text}\n`);
  for (const { path, line, text } of warnings) io.out(`${file}: ${path} (line ${line}): warning: ${text}\n`);
  if (errors.length === 0)
    io.out(`${file}: a policy with ${count(bans, "ban")} and ${count(warnings.length, "warning")}\n`);
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
