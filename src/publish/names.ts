import { groupNameSchema } from "#policy/text.ts";
import { exceptionsPath, groupPath } from "#trust/parts.ts";

// What roles are called in a repository. What their files are called stands in `trust/parts.ts`.

/** The role with which the server grants exceptions. */
export const exceptionsRole = "exceptions";

/** The roles that people sign, on machines of their own. */
export function isOfflineRole(role: string): boolean {
  return role === "root" || role === "targets" || groupOf(role) !== undefined;
}

/** The department that a role belongs to. */
export function groupOf(role: string): string | undefined {
  const name = role.startsWith("group-") ? role.slice("group-".length) : "";
  return groupNameSchema.safeParse(name).success ? name : undefined;
}

export function groupRole(group: string): string {
  return `group-${group}`;
}

/** The paths that are delegated to a role; undefined where nothing is delegated under such a name. */
export function pathsOf(role: string): readonly string[] | undefined {
  const group = groupOf(role);
  if (group !== undefined) return [groupPath(group)];
  return role === exceptionsRole ? [exceptionsPath("*")] : undefined;
}
