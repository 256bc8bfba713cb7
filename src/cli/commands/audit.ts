import { jsonLine } from "#cli/printable.ts";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { billOf } from "#cli/audit-cyclonedx.ts";
import { auditPage } from "#cli/audit-html.ts";
import { Audit } from "#cli/audit-look.ts";
import { watched } from "#cli/audit-progress.ts";
import { auditLines, type AuditResult } from "#cli/audit-table.ts";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { uuid7 } from "#lib/uuid7.ts";
import { version } from "#lib/version.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Policy } from "#policy/ban.ts";
import type { Catalog } from "#policy/tool.ts";

/** How a result is written. */
const formats: Readonly<Record<string, (result: AuditResult, io: Io) => string | Promise<string>>> = {
  text: (result, { columns }) => `${auditLines(result, columns).join("\n")}\n`,
  json: (result) => jsonLine(result),
  cyclonedx: async (result, { clock }) => {
    const bill = { serial: uuid7(clock)(), version, distribution: await distribution() };
    return `${JSON.stringify(billOf(result, bill), null, 2)}\n`;
  },
  html: (result) => auditPage(result, hostname()),
};

/**
 * `edict audit`: what of the catalog is installed here, and what a policy says about it. Opens no network connection. Looks
 * through whole homes: everybody's where that is allowed, else one's own.
 */
export const command: Command = {
  arguments: ["[folder...]"],
  options: [
    ["--policy <file>", "say what this policy bans; ends with 10 where a proven finding's ban is in force"],
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--json", "print JSON"],
    [
      "--format <format>",
      `${Object.keys(formats).join(", ")} (CycloneDX is 1.6, HTML one page that needs nothing else)`,
    ],
  ],
  run: async (input, io) => {
    const write = formatOf(input);
    const policyFile = textOption(input, "policy");
    const policy = policyFile === undefined ? undefined : await readPolicy(io, policyFile);
    const catalog = await catalogOf(input, io);
    if (catalog.tools.length + (policy?.tools ?? []).length === 0)
      throw new CommandError(exitCodes.usage[0], "the catalog has no tool: no .json file lies in its folder");
    for (const line of nothingMatches(policy, catalog)) io.err(`edict: ${policyFile}: ${line}\n`);
    const audit = new Audit({ platform: await selectPlatform(), catalog, policy, named: input.args, io });
    const run = (): ReturnType<Audit["run"]> => audit.run();
    const shown = write === formats["text"] && io.display !== undefined;
    const { result, banned } = shown ? await watched(io.display, run, () => audit.progress) : await run();
    io.out(await write(result, io));
    return banned ? exitCodes.banned[0] : exitCodes.ok[0];
  },
};

/** Bans that will match nothing, whatever is installed: "-" beside a finding would not say so. */
function nothingMatches(policy: Policy | undefined, catalog: Catalog): readonly string[] {
  const known = new Set([...(policy?.tools ?? []), ...catalog.tools].map(({ id }) => id));
  const lost = (policy?.bans ?? []).filter(({ tool }) => !known.has(tool));
  return lost.map(
    ({ id, tool }) => `the ban ${id} bans nothing: there is no tool ${tool} in the catalog or under tools`,
  );
}

function formatOf(input: Input): NonNullable<(typeof formats)[string]> {
  const json = input.options["json"] === true ? "json" : undefined;
  const name = textOption(input, "format") ?? json ?? "text";
  if (json !== undefined && name !== json)
    throw new CommandError(exitCodes.usage[0], `--json and --format ${name}: one of the two`);
  const write = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (write !== undefined) return write;
  throw new CommandError(exitCodes.usage[0], `--format ${name}: there are ${Object.keys(formats).join(", ")}`);
}

/** ID of os-release(5); "linux" where it does not say, as the page has it. */
async function distribution(): Promise<string> {
  try {
    const text = await readFile("/etc/os-release", "utf8");
    return /^ID="?([a-z0-9._-]{1,64})"?$/m.exec(text)?.[1] ?? "linux";
  } catch {
    return "linux";
  }
}
