import type { Instant } from "#lib/pure/instant.ts";
import { noPolicy, type Policy } from "#policy/ban.ts";
import { diff } from "#policy/diff.ts";
import { asPolicy, parseGroupPolicy } from "#policy/group.ts";
import { lintGroup } from "#policy/lint-group.ts";
import { lint } from "#policy/lint.ts";
import { parseDevices } from "#policy/members.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { pathText } from "#policy/problem.ts";
import { groupPath } from "#trust/parts.ts";
import { contentsAfter, requireUsable } from "#publish/contents.ts";
import type { Contents } from "#publish/current.ts";
import { devicesWords } from "#publish/devices.ts";
import type { Base, Examined } from "#publish/examine.ts";
import { groupOf } from "#publish/names.ts";
import { rootWords } from "#publish/root-words.ts";
import { targetsWords } from "#publish/targets-words.ts";

const tolerant = { newer: "tolerate" } as const;

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
    lines.push(
      ...devicesWords(
        current?.devices && parseDevices(current.devices, tolerant),
        parseDevices(next.devices, tolerant),
      ),
    );
  for (const [role, group] of groups) {
    lines.push(...targetsWords(role, group, current?.delegated.get(role)));
    const name = groupOf(role) ?? "";
    if (files.has(groupPath(name))) lines.push(...groupWords(name, next, current));
  }
  return files.size === 0 ? lines : [...lines, ...warnings(next, examined, now)];
}

function policyWords({ policy }: Contents, current: Contents | undefined): readonly string[] {
  if (policy === undefined) return [];
  const next = parsePolicy(policy, tolerant);
  const newer =
    next.formatVersion > 1 ? ["  this policy is newer than this program, which understands a part of it"] : [];
  if (current?.policy !== undefined) return [...newer, ...changes(parsePolicy(current.policy, tolerant), next)];
  const first = `  the first policy: ${next.name}, with ${counted(next.bans.length, "ban")}`;
  return [...newer, first, ...changes({ ...noPolicy, name: next.name }, next)];
}

function groupWords(group: string, { groups }: Contents, current: Contents | undefined): readonly string[] {
  const [before, next] = [current?.groups.get(group), groups.get(group)].map(
    (bytes) => bytes && asPolicy(parseGroupPolicy(bytes, group, tolerant)),
  );
  return next === undefined ? [] : changes(before ?? { ...noPolicy, name: next.name }, next);
}

function catalogWords(next: Uint8Array | undefined, before: Uint8Array | undefined): readonly string[] {
  const [old, now] = [before, next].map((bytes) => bytes && parseCatalog(bytes, tolerant).tools);
  if (old === undefined) return [`  the first catalog, with ${counted(now?.length ?? 0, "tool")}`];
  const lines = changes({ ...noPolicy, tools: old }, { ...noPolicy, tools: now ?? [] });
  return lines.map((line) => line.replace(/^ {2}(.) tool /, "  $1 the catalog's tool "));
}

function changes(before: Policy, next: Policy): readonly string[] {
  return diff(before, next).map(({ text }) => `  ${text}`);
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** What is allowed and will hurt, in the policies that change. */
function warnings({ policy, catalog, devices, groups }: Contents, { files }: Examined, at: Instant): readonly string[] {
  if (policy === undefined || catalog === undefined) return [];
  const [base, tools] = [parsePolicy(policy, tolerant), parseCatalog(catalog, tolerant)];
  const vouched = new Set(devices === undefined ? [] : parseDevices(devices, tolerant).groups.keys());
  const options = { at, vouched };
  return [
    ...(files.has("policy.json") || files.has("devices.json") ? lint(base, tools, options) : []).map(
      ({ path, text }) => `  warning: ${pathText(path)}: ${text}`,
    ),
    ...[...groups].flatMap(([name, bytes]) => {
      if (!files.has(groupPath(name))) return [];
      const findings = lintGroup(name, parseGroupPolicy(bytes, name, tolerant), base, tools, options);
      return findings.map(({ path, text }) => `  warning: group ${name}: ${pathText(path)}: ${text}`);
    }),
  ];
}
