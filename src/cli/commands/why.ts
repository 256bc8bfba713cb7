import { resolve } from "node:path";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { printableLine } from "#cli/printable.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { installedAt } from "#observe/scan.ts";
import { attributed } from "#observe/seen.ts";
import { PlatformError, type Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { noPolicy } from "#policy/ban.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema, type Device } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";
import { explain } from "#policy/explain.ts";
import { standing, type Standing } from "#policy/standing.ts";
import { ecosystems } from "#policy/tool.ts";
import { whySchema } from "#protocol/status.ts";

/** `edict why`: what is seen of a file, a process or a package, which identities match, and what a policy makes of it. */
export const command: Command = {
  arguments: ["<what>"],
  options: [
    ["--policy <file>", "judge by this policy"],
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [what = ""] = input.args;
    const answer = (await askedOfAgent(what, input, io)) ?? (await whyOffline(what, input, io));
    io.out(
      input.options["json"] === true
        ? `${JSON.stringify(answer.json)}\n`
        : `${answer.lines.map(printableLine).join("\n")}\n`,
    );
    return exitCodes.ok[0];
  },
};

interface Why {
  readonly lines: readonly string[];
  readonly json: unknown;
}

/** The agent knows the policy in force; undefined where it does not run, or knows nothing of it. */
async function askedOfAgent(what: string, input: Input, io: Io): Promise<Why | undefined> {
  if (textOption(input, "policy") !== undefined) return undefined;
  const pid = /^\d{1,10}$/.test(what);
  try {
    const json = whySchema.parse(
      await ask(pid ? { ask: "why-pid", pid: Number(what) } : { ask: "why-ban", ban: what }, io),
    );
    return { lines: json.lines, json };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Everything that can be said without the agent. */
async function whyOffline(what: string, input: Input, io: Io): Promise<Why> {
  const file = textOption(input, "policy");
  const policy = file === undefined ? undefined : await readPolicy(io, file);
  const catalog = await catalogOf(input, io);
  const everything = matcherOfEverything(catalog, policy);
  const matcher = compile(policy ?? noPolicy, catalog);
  const platform = await selectPlatform();
  const device = deviceOf(deviceSchema.parse({ os: platform.os }));
  const ban = matcher.ban(what);
  const at = io.clock.now();
  if (ban !== undefined) {
    const now = standing(matcher, ban, at, device, io.env["USER"] ?? "");
    return { lines: banLines(what, now, matcher), json: { ban, standing: now } };
  }
  const evidence = await evidenceOf(what, platform, everything, io);
  const vital = new Set((await platform.vital()).map(({ dev, ino }) => `${dev}:${ino}`));
  const person = evidence.process?.user ?? io.env["USER"] ?? "";
  const verdict = decide(matcher, evidence, at, { ...device, vital, person });
  const known = knownAs(everything, evidence, device);
  const lines = [
    ...explain(matcher, verdict, evidence, at),
    "",
    ...(known.length === 0
      ? ["The catalog knows no tool by this."]
      : ["In the catalog:", ...known.map((k) => `  ${k}`)]),
    ...(policy === undefined ? ["No policy was given: nothing was judged (--policy FILE)."] : []),
  ];
  return { lines, json: { evidence, verdict, known } };
}

/** Every tool of the catalog that an identity points to, proofs and hints, in words. */
function knownAs(everything: Matcher, { seen, interpreter }: Evidence, device: Device): readonly string[] {
  const claims = [seen, ...(interpreter === undefined ? [] : [interpreter])].flatMap((one) =>
    everything.claims(one, device.os),
  );
  return [...new Set(claims.map((claim) => claim.reason.text))];
}

function banLines(id: string, { mode, since, because, next }: Standing, matcher: Matcher): readonly string[] {
  return [
    `The ban ${id} of the policy "${matcher.policy.name}": ${mode}${since === null ? "" : ` since ${since}`}.`,
    ...because.map((reason) => `  · ${reason.text}`),
    ...(next === null ? [] : [`Next: ${next.mode} from ${next.from}.`]),
  ];
}

/** @throws CommandError where there is no such process, file or package */
async function evidenceOf(what: string, platform: Platform, everything: Matcher, io: Io): Promise<Evidence> {
  const { wanted } = everything;
  const identifier = new Identifier({ wanted, dpkg: new DpkgDatabase("/var/lib/dpkg"), clock: io.clock });
  if (/^\d{1,10}$/.test(what)) return runningAs(Number(what), platform, identifier);
  const path = rawFromText(resolve(io.cwd, what));
  const found = path === undefined ? undefined : await identifier.file(path);
  if (found !== undefined && "seen" in found)
    return identifier.evidence("file", { file: found.file, seen: found.seen });
  for (const kind of ["npm", "extension", "distribution"] as const) {
    const [installed] = path === undefined ? [] : await installedAt(identifier, { what: kind, folder: path });
    if (installed !== undefined) return installed;
  }
  const named = packageNamed(what);
  if (named !== undefined) return identifier.evidence("installed", { seen: attributed({ package: named }) });
  const reason = found === undefined ? "no path" : found.unread;
  throw new CommandError(
    exitCodes.usage[0],
    `${what}: ${reason}; expected a process id, a path, a package (npm:@scope/name), or a ban of the policy`,
  );
}

async function runningAs(pid: number, platform: Platform, identifier: Identifier): Promise<Evidence> {
  try {
    const detail = await platform.inspect(pid);
    if (detail !== undefined) return await identifier.process(detail, "process");
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "denied")) throw error;
    throw new CommandError(exitCodes.denied[0], `process ${pid}: ${error.message}`, { cause: error });
  }
  throw new CommandError(exitCodes.failed[0], `process ${pid}: there is none, or it is the kernel's own`);
}

/** "npm:@scope/name", or "@scope/name" that only npm has. */
function packageNamed(what: string): { readonly ecosystem: string; readonly id: string } | undefined {
  const colon = what.indexOf(":");
  const ecosystem = ecosystems.find((known) => known === what.slice(0, colon));
  if (ecosystem !== undefined && colon > 0 && colon < what.length - 1) return { ecosystem, id: what.slice(colon + 1) };
  return /^@[\w.-]+\/[\w.-]+$/.test(what) ? { ecosystem: "npm", id: what } : undefined;
}
