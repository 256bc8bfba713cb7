import type { JsonPath } from "#lib/pure/json-scanner.ts";
import type { Policy } from "#policy/ban.ts";
import type { Conflict } from "#policy/conflict.ts";
import type { GroupPolicy } from "#policy/group.ts";
import { lint, type Finding, type LintOptions } from "#policy/lint.ts";
import { merge } from "#policy/merge.ts";
import type { Catalog } from "#policy/tool.ts";

/**
 * What a group's signers should know before they sign, beside the base policy that their devices follow. Paths are those of the
 * group's own text. @throws PolicyError where the two do not compile together
 */
export function lintGroup(
  name: string,
  group: GroupPolicy,
  base: Policy,
  catalog: Catalog,
  options: LintOptions = {},
): readonly Finding[] {
  const nobody = { id: "", hash: "", groups: [], claimed: [] };
  const { policy, conflicts } = merge({ base, catalog, groups: new Map([[name, group]]), grants: [] }, nobody);
  const placeOf = (list: "bans" | "tools", id: string): JsonPath => [
    list,
    group[list].findIndex((one) => one.id === id),
  ];
  const added = new Set(policy.bans.flatMap((ban) => (ban.group === name ? [ban.id] : [])));
  const found = lint(policy, catalog, options).flatMap(({ path, ban, ...finding }): readonly Finding[] =>
    ban !== undefined && added.has(ban) && path[0] === "bans"
      ? [{ ...finding, ban, path: [...placeOf("bans", ban), ...path.slice(2)] }]
      : [],
  );
  const notCounted = ({ what, id, why }: Conflict): Finding =>
    id === null
      ? { code: "not-counted", path: [], text: why }
      : { code: "not-counted", path: placeOf(what === "ban" ? "bans" : "tools", id), text: `${id} ${why}` };
  return [...conflicts.map(notCounted), ...found];
}
