import { resolve } from "node:path";
import { AuditRows } from "#cli/audit-rows.ts";
import { auditLines, type AuditResult } from "#cli/audit-table.ts";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { makeScan } from "#observe/scan.ts";
import type { InstallRoot, Person, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { compile } from "#policy/compile.ts";
import { provenTools } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";

/** How deep a folder is looked through that somebody named. */
const namedDepth = 12;

/** `edict audit`: what of the catalog is installed here, and what a policy says about it. Opens no network connection. */
export const command: Command = {
  arguments: ["[root...]"],
  options: [
    ["--policy <file>", "say what this policy bans"],
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--json", "print JSON"],
    ["--format <format>", "text or json"],
  ],
  run: async (input, io) => {
    const json = formatOf(input) === "json";
    const platform = await selectPlatform();
    const { result, banned } = await audit(platform, input, io);
    io.out(json ? `${JSON.stringify(result)}\n` : `${auditLines(result).join("\n")}\n`);
    return banned ? exitCodes.banned[0] : exitCodes.ok[0];
  },
};

function formatOf(input: Input): "text" | "json" {
  const format = textOption(input, "format") ?? (input.options["json"] === true ? "json" : "text");
  if (format === "text" || format === "json") return format;
  throw new CommandError(exitCodes.usage[0], `--format ${format}: this release writes text and json, not ${format}`);
}

async function audit(
  platform: Platform,
  input: Input,
  io: Io,
): Promise<{ readonly result: AuditResult; readonly banned: boolean }> {
  const policyFile = textOption(input, "policy");
  const policy = policyFile === undefined ? undefined : await readPolicy(io, policyFile);
  const catalog = await catalogOf(input, io);
  const everything = matcherOfEverything(catalog, policy);
  const people = await platform.people();
  const roots = input.args.length === 0 ? platform.installRoots(people) : input.args.map((at) => rootAt(at, io));
  const { scan } = makeScan({
    wanted: everything.wanted,
    roots,
    homes: input.args.length === 0 ? people : [],
    os: platform.os,
    clock: io.clock,
    dpkgFolder: "/var/lib/dpkg",
    signal: io.signal,
  });
  const seen: Evidence[] = [];
  let looked = 0;
  for await (const evidence of scan) {
    looked += 1;
    if (everything.claims(evidence.seen, platform.os).length > 0) seen.push(evidence);
  }
  if (io.signal.aborted) throw new CommandError(exitCodes.failed[0], "stopped before the audit was complete");
  const at = io.clock.now();
  const here = deviceOf(deviceSchema.parse({ os: platform.os }));
  const installed = new Set(seen.flatMap((evidence) => provenTools(everything, evidence.seen, here)));
  const vital = new Set((await platform.vital()).map(({ dev, ino }) => `${dev}:${ino}`));
  const matcher = policy === undefined ? undefined : compile(policy, catalog);
  const rows = new AuditRows({
    everything,
    os: platform.os,
    judge: matcher === undefined ? undefined : { matcher, at, device: { ...here, installed, vital } },
    ownerName: (uid) => nameOf(uid, people),
  });
  for (const evidence of seen) rows.add(evidence);
  const { unreadable } = scan;
  const result = { at: formatInstant(at), policy: policy?.name ?? null, findings: rows.rows(), looked, unreadable };
  return { result, banned: rows.banned };
}

function rootAt(path: string, io: Io): InstallRoot {
  return { path: resolve(io.cwd, path), owner: 0, holds: "apps", depth: namedDepth };
}

function nameOf(uid: number | undefined, people: readonly Person[]): string {
  if (uid === 0) return "root";
  return people.find((person) => person.uid === uid)?.name ?? (uid === undefined ? "nobody" : String(uid));
}
