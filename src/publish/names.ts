// What roles and their files are called in a repository.

/** A department's name, as it stands in `group-NAME` and before the slash of its bans' ids. */
export const groupName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The roles that people sign, on machines of their own. */
export function isOfflineRole(role: string): boolean {
  return role === "root" || role === "targets" || groupOf(role) !== undefined;
}

/** The department that a role belongs to. */
export function groupOf(role: string): string | undefined {
  const name = role.startsWith("group-") ? role.slice(6) : "";
  return groupName.test(name) ? name : undefined;
}

export function groupRole(group: string): string {
  return `group-${group}`;
}

export function groupPath(group: string): string {
  return `groups/${group}/policy.json`;
}

/** The role with which the server grants exceptions. */
export const exceptionsRole = "exceptions";

/** Where the exceptions of all devices lie whose hash begins with these two hex digits. */
export function shardPath(shard: string): string {
  return `exceptions/${shard}.json`;
}
