import { notJudged } from "#cli/audit-limits.ts";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { jsonLine, printableLine } from "#cli/printable.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { checkedLines, inForceLines, meantBy, meantLines } from "#cli/why-catalog.ts";
import { subjectOf } from "#cli/why-subject.ts";
import { selectPlatform } from "#platform/select.ts";
import { noPolicy } from "#policy/ban.ts";
import { checked, type Checked } from "#policy/checked.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema, type Device } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";
import { describeEvidence, explain } from "#policy/explain.ts";
import { standing, type Standing } from "#policy/standing.ts";
import type { Tool } from "#policy/tool.ts";
import { inForceSchema, whySchema, type InForce } from "#protocol/status.ts";

/** `edict why`: what is seen of a file, a process or a package, how each identity stands against it, and what a policy makes of it. */
export const command: Command = {
  arguments: ["<what>"],
  options: [
    ["--policy <file>", "judge by this policy"],
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--all", "name the identities of every tool, not only of those it could be"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [what = ""] = input.args;
    const answer = (await askedOfAgent(what, input, io)) ?? (await whyOffline(what, input, io));
    io.out(input.options["json"] === true ? jsonLine(answer.json) : `${answer.lines.map(printableLine).join("\n")}\n`);
    return exitCodes.ok[0];
  },
};

/** The policy in force on this device; undefined where no agent runs, or where it has none yet. */
async function policyHere(io: Io): Promise<InForce | undefined> {
  try {
    const inForce = inForceSchema.parse(await ask({ ask: "policy" }, io));
    return inForce.version === 0 ? undefined : inForce;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

interface Why {
  readonly lines: readonly string[];
  readonly json: unknown;
}

/** The agent knows the policy in force; undefined where it does not run, or knows nothing of it. */
async function askedOfAgent(what: string, input: Input, io: Io): Promise<Why | undefined> {
  if (textOption(input, "policy") !== undefined || input.options["all"] === true) return undefined;
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
  const tools = [...(policy?.tools ?? []), ...catalog.tools];
  const matcher = compile(policy ?? noPolicy, catalog);
  const platform = await selectPlatform();
  const device = deviceOf(deviceSchema.parse({ os: platform.os }));
  const ban = matcher.ban(what);
  const at = io.clock.now();
  if (ban !== undefined) {
    const now = standing(matcher, ban, at, device, io.env["USER"] ?? "");
    return { lines: banLines(what, now, matcher), json: { ban, standing: now } };
  }
  const inForce = policy === undefined ? await policyHere(io) : undefined;
  const found = await subjectOf(what, { platform, wanted: everything.wanted, io });
  if (found instanceof CommandError) {
    const meant = meantBy(what, tools);
    const here =
      inForce === undefined
        ? []
        : inForceLines(
            inForce,
            meant.map(({ tool }) => tool),
          );
    if (meant.length > 0) return { lines: [...meantLines(what, meant, policy), ...here], json: { meant } };
    throw found;
  }
  const vital = new Set((await platform.vital()).map(({ dev, ino }) => `${dev}:${ino}`));
  const answer = (evidence: Evidence): Why => {
    const person = evidence.process?.user ?? io.env["USER"] ?? "";
    const verdict = policy === undefined ? null : decide(matcher, evidence, at, { ...device, vital, person });
    const could = knownAs(everything, evidence, device);
    const looked = identitiesOf(
      everything,
      input.options["all"] === true ? tools : could.map(({ tool }) => tool),
      evidence,
      device,
    );
    const count = tools.reduce((sum, { identities }) => sum + identities.length, 0);
    const lines = [
      ...(verdict === null ? describeEvidence(evidence) : explain(matcher, verdict, evidence, at)),
      "",
      `It was held against ${count} identities of ${tools.length} tools: ${knownText(could)}`,
      ...checkedLines(looked, (id) => everything.tool(id)?.name ?? id),
    ];
    return { lines, json: { evidence, verdict, known: could.map(({ tool }) => tool.id), checked: looked } };
  };
  const known = found.filter((evidence) => knownAs(everything, evidence, device).length > 0);
  const answers = (known.length > 0 ? known : found.slice(0, 1)).map(answer);
  const all = [...new Set(found.flatMap((one) => knownAs(everything, one, device)).map(({ tool }) => tool))];
  const unjudged = inForce === undefined ? [notJudged] : inForceLines(inForce, all);
  const judged = policy === undefined ? unjudged : [];
  const lines = answers.flatMap((one, i) => (i === 0 ? one.lines : ["", ...one.lines]));
  return {
    lines: [...lines, ...judged],
    json: answers.length === 1 ? answers[0]?.json : answers.map(({ json }) => json),
  };
}

/** What was read of it, and of the program that runs it. */
function seenOf({ seen, interpreter }: Evidence): readonly Evidence["seen"][] {
  return interpreter === undefined ? [seen] : [seen, interpreter];
}

interface Could {
  readonly tool: Tool;
  readonly proven: boolean;
}

/** Every tool that some identity points to, by proof or by hint. */
function knownAs(everything: Matcher, evidence: Evidence, { os }: Device): readonly Could[] {
  const claims = seenOf(evidence).flatMap((seen) => everything.claims(seen, os));
  const byTool = Map.groupBy(claims, (claim) => claim.target.tool);
  return [...byTool].map(([tool, own]) => ({ tool, proven: own.some(({ proves }) => proves) }));
}

function knownText(could: readonly Could[]): string {
  if (could.length === 0) return "none of them is there.";
  return `${could.map(({ tool, proven }) => `it ${proven ? "is" : "may be"} ${tool.name} (${proven ? "proof" : "hint"})`).join(", ")}.`;
}

/** Each identity once: as it stands against the script, or against the program that runs it where it is there. */
function identitiesOf(m: Matcher, tools: readonly Tool[], evidence: Evidence, { os }: Device): readonly Checked[] {
  const [own = [], program = []] = seenOf(evidence).map((seen) => checked(m, tools, seen, os));
  return own.map((one, i) => (program[i]?.is === "value" ? program[i] : one));
}

function banLines(id: string, { mode, since, because, next }: Standing, matcher: Matcher): readonly string[] {
  return [
    `The ban ${id} of the policy "${matcher.policy.name}": ${mode}${since === null ? "" : ` since ${since}`}.`,
    ...because.map((reason) => `  · ${reason.text}`),
    ...(next === null ? [] : [`Next: ${next.mode} from ${next.from}.`]),
  ];
}
