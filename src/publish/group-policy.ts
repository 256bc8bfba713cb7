import type { Policy } from "#policy/ban.ts";
import { parsePolicy } from "#policy/parse.ts";
import { PublishError } from "#publish/error.ts";

/** All that a department may say. */
const members = ["$schema", "formatVersion", "name", "bans", "tools"];

/**
 * A department's policy: bans and tools of its own, named `GROUP/…`, and nothing that could loosen the base.
 * @throws PolicyError; PublishError PROPOSAL
 */
export function parseGroupPolicy(bytes: Uint8Array, group: string): Policy {
  const text = Buffer.from(bytes).toString();
  const value: unknown = JSON.parse(text);
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const more = names.find((name) => !members.includes(name));
  if (more !== undefined)
    throw new PublishError("PROPOSAL", `a group's policy has no "${more}": it can ban, and never loosen`);
  // It may ban nothing, for the base goes on.
  const policy = parsePolicy(Buffer.from(JSON.stringify({ ...Object(value), allowEmpty: true })));
  const stranger = [...policy.bans, ...policy.tools].find(({ id }) => !id.startsWith(`${group}/`));
  if (stranger !== undefined)
    throw new PublishError("PROPOSAL", `${stranger.id} is not the group's own: its id begins with ${group}/`);
  return policy;
}

/** The base with one department's bans and tools: what its devices have. */
export function withGroup(base: Policy, group: Policy): Policy {
  return { ...base, bans: [...base.bans, ...group.bans], tools: [...base.tools, ...group.tools] };
}
