import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { catalogOf, loadCatalog } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readParsed, readPolicy } from "#cli/policy-files.ts";
import { withGroups } from "#cli/policy-parts.ts";
import { parseCases, runCases, type CaseTable } from "#policy/cases.ts";

const most = 16 * 1024 * 1024;

/** `edict policy test FILE [CASES…]`: evidence → expected verdict. Without CASES, the tables of ../cases that name FILE. */
export const command: Command = {
  arguments: ["<file>", "[cases...]"],
  options: [
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one or the one a table names"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [file = "", ...named] = input.args;
    const policy = await readPolicy(io, file);
    const tables = named.length > 0 ? await readTables(named, io) : await tablesFor(file, io);
    if (tables.length === 0)
      throw new CommandError(
        exitCodes.usage[0],
        `no table of cases names ${file}; name one: edict policy test ${file} CASES`,
      );
    const results = [];
    for (const { path, table } of tables) {
      const catalog = await catalogFor(path, table, input, io);
      const matcher = await withGroups(io, resolve(io.cwd, dirname(path)), table.groups ?? {}, policy, catalog);
      results.push(...runCases(matcher, table).map((result) => ({ file: path, ...result })));
    }
    const failed = results.filter((result) => result.wrong.length > 0).length;
    if (input.options["json"] === true)
      io.out(`${JSON.stringify({ passed: results.length - failed, failed, results })}\n`);
    else {
      for (const { file: table, name, wrong } of results)
        io.out(
          wrong.length === 0
            ? `ok      ${name}\n`
            : `WRONG   ${name} (${table})\n${wrong.map((w) => `          ${w}\n`).join("")}`,
        );
      io.out(`${results.length - failed} as expected, ${failed} not\n`);
    }
    return failed === 0 ? exitCodes.ok[0] : exitCodes.failed[0];
  },
};

interface NamedTable {
  readonly path: string;
  readonly table: CaseTable;
}

async function readTables(files: readonly string[], io: Io): Promise<readonly NamedTable[]> {
  const tables: NamedTable[] = [];
  for (const path of files) tables.push({ path, table: (await readParsed(io, path, most, parseCases)).value });
  return tables;
}

async function tablesFor(file: string, io: Io): Promise<readonly NamedTable[]> {
  const policy = resolve(io.cwd, file);
  const dir = join(dirname(policy), "../cases");
  if (!existsSync(dir)) return [];
  const files = (await readdir(dir)).filter((name) => name.endsWith(".json")).toSorted();
  const tables = await readTables(
    files.map((name) => relative(io.cwd, join(dir, name))),
    io,
  );
  return tables.filter(({ path, table }) => resolve(io.cwd, dirname(path), table.policy) === policy);
}

function catalogFor(path: string, table: CaseTable, input: Input, io: Io): ReturnType<typeof loadCatalog> {
  return textOption(input, "catalog") === undefined && table.catalog !== undefined
    ? loadCatalog(resolve(io.cwd, dirname(path), table.catalog))
    : catalogOf(input, io);
}
