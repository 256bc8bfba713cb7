import type { Instant } from "#lib/pure/instant.ts";
import type { Policy } from "#policy/ban.ts";
import { diff } from "#policy/diff.ts";
import { lint } from "#policy/lint.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { pathText } from "#policy/problem.ts";
import type { Catalog } from "#policy/tool.ts";
import { contentsAfter, requireUsable } from "#publish/contents.ts";
import type { Contents } from "#publish/current.ts";
import { devicesWords, parseDevices } from "#publish/devices.ts";
import type { Base, Examined } from "#publish/examine.ts";
import { parseGroupPolicy, withGroup } from "#publish/group-policy.ts";
import { groupOf, groupPath } from "#publish/names.ts";
import { rootWords } from "#publish/root-words.ts";
import { targetsWords } from "#publish/targets-words.ts";

/**
 * Everything that a proposal changes, in words, for whoever is about to sign it: keys and thresholds, departments, bans,
 * tools, who is in which group, and what will hurt.
 * @throws PublishError PROPOSAL, PolicyError where no device could enforce it
 */
export async function review(examined: Examined, { root, current }: Base, now: Instant): Promise<readonly string[]> {
  const { files, targets, groups } = examined;
  const next = await contentsAfter(examined, current);
  requireUsable(next);
  const lines: string[] = [];
  if (examined.root !== undefined) lines.push(...rootWords(examined.root, root));
  if (targets !== undefined) lines.push(...targetsWords("targets", targets, current?.targets));
  if (files.has("policy.json")) lines.push(...policyWords(next, current));
  if (files.has("catalog.json")) lines.push(...catalogWords(next.catalog, current?.catalog));
  if (files.has("devices.json") && next.devices !== undefined)
    lines.push(...devicesWords(current?.devices && parseDevices(current.devices), parseDevices(next.devices)));
  for (const [role, group] of groups) {
    lines.push(...targetsWords(role, group, current?.delegated.get(role)));
    const name = groupOf(role) ?? "";
    if (files.has(groupPath(name))) lines.push(...groupWords(name, next, current));
  }
  return files.size === 0 ? lines : [...lines, ...warnings(next, examined, now)];
}

const nothing: Policy = {
  formatVersion: 1,
  name: "",
  bans: [],
  tools: [],
  allow: [],
  allowEmpty: true,
  exceptions: [],
  limits: { notifyPerDay: 3, breaker: { programs: 20, window: "PT1M" } },
  disabled: [],
  ignored: [],
};

function policyWords({ policy }: Contents, current: Contents | undefined): readonly string[] {
  if (policy === undefined) return [];
  const next = parsePolicy(policy, { newer: "tolerate" });
  const newer =
    next.formatVersion > 1 ? ["  this policy is newer than this program, which understands a part of it"] : [];
  if (current?.policy !== undefined)
    return [...newer, ...changes(parsePolicy(current.policy, { newer: "tolerate" }), next)];
  const first = `  the first policy: ${next.name}, with ${counted(next.bans.length, "ban")}`;
  return [...newer, first, ...changes({ ...nothing, name: next.name }, next)];
}

function groupWords(group: string, { groups }: Contents, current: Contents | undefined): readonly string[] {
  const [before, next] = [current?.groups.get(group), groups.get(group)].map(
    (bytes) => bytes && parseGroupPolicy(bytes, group),
  );
  return next === undefined ? [] : changes(before ?? { ...nothing, name: next.name }, next);
}

function catalogWords(next: Uint8Array | undefined, before: Uint8Array | undefined): readonly string[] {
  const [old, now] = [before, next].map((bytes) => bytes && parseCatalog(bytes, { newer: "tolerate" }).tools);
  if (old === undefined) return [`  the first catalog, with ${counted(now?.length ?? 0, "tool")}`];
  const lines = changes({ ...nothing, tools: old }, { ...nothing, tools: now ?? [] });
  return lines.map((line) => line.replace(/^ {2}(.) tool /, "  $1 the catalog's tool "));
}

function changes(before: Policy, next: Policy): readonly string[] {
  return diff(before, next).map(({ text }) => `  ${text}`);
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** What is allowed and will hurt, in the policies that change. */
function warnings({ policy, catalog, groups }: Contents, examined: Examined, at: Instant): readonly string[] {
  if (policy === undefined || catalog === undefined) return [];
  const base = parsePolicy(policy, { newer: "tolerate" });
  const tools = parseCatalog(catalog, { newer: "tolerate" });
  const own = examined.files.has("policy.json") ? lint(base, tools, { at }) : [];
  return [
    ...own.map(({ path, text }) => `  warning: ${pathText(path)}: ${text}`),
    ...[...groups].flatMap(([name, bytes]) =>
      examined.files.has(groupPath(name)) ? groupWarnings(base, parseGroupPolicy(bytes, name), tools, at) : [],
    ),
  ];
}

/** Of what the base and the department say together, what is about the department's own. */
function groupWarnings(base: Policy, group: Policy, tools: Catalog, at: Instant): readonly string[] {
  return lint(withGroup(base, group), tools, { at }).flatMap(({ path: [list, index, ...rest], text }) => {
    const before = list === "bans" ? base.bans.length : list === "tools" ? base.tools.length : Infinity;
    if (typeof index !== "number" || index < before) return [];
    return [`  warning: ${pathText([list ?? "", index - before, ...rest])} of the department: ${text}`];
  });
}
