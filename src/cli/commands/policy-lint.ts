import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readNamed, readPolicy } from "#cli/policy-files.ts";
import { devicesOption, groupName } from "#cli/policy-parts.ts";
import { locate } from "#lib/pure/json-locate.ts";
import { noPolicy, policyBounds } from "#policy/ban.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { lintGroup } from "#policy/lint-group.ts";
import { lint, type Finding } from "#policy/lint.ts";
import { parsePolicy, PolicyError } from "#policy/parse.ts";
import { pathText } from "#policy/problem.ts";

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
    ["--group <name>", "each file is a policy of this group"],
    ["--base <file>", "the base policy that the group's devices follow"],
    ["--devices <file>", "who is in which group: only who is in one by it has the group's exceptions"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const linted = await lintOf(input, io);
    const reports: Report[] = [];
    for (const file of input.args) reports.push(await lintFile(file, linted, io));
    if (input.options["json"] === true) io.out(`${JSON.stringify(reports)}\n`);
    else for (const report of reports) print(report, io);
    return reports.some((report) => report.errors.length > 0) ? exitCodes.usage[0] : exitCodes.ok[0];
  },
};

/** One text, as what it is to be: a base policy, or that of a group. */
type Linted = (bytes: Uint8Array) => { readonly bans: number; readonly findings: readonly Finding[] };

async function lintOf(input: Input, io: Io): Promise<Linted> {
  const catalog = await catalogOf(input, io);
  const devices = await devicesOption(input, io);
  const options = { at: io.clock.now(), vouched: new Set(devices?.groups.keys()) };
  const [group, file] = [textOption(input, "group"), textOption(input, "base")];
  if (group === undefined) {
    if (file !== undefined) throw new CommandError(exitCodes.usage[0], "--base goes with --group");
    return (bytes) => {
      const policy = parsePolicy(bytes);
      return { bans: policy.bans.length, findings: lint(policy, catalog, options) };
    };
  }
  const base = file === undefined ? noPolicy : await readPolicy(io, file);
  return (bytes) => {
    const policy = parseGroupPolicy(bytes, groupName(group));
    return { bans: policy.bans.length, findings: lintGroup(group, policy, base, catalog, options) };
  };
}

async function lintFile(file: string, linted: Linted, io: Io): Promise<Report> {
  const bytes = await readNamed(io, file, policyBounds.policy + 1);
  try {
    const { bans, findings } = linted(bytes);
    const warnings = findings.map(({ code, path, text }) => ({
      code,
      path: pathText(path),
      line: locate(bytes, path),
      text,
    }));
    return { file, bans, errors: [], warnings };
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
