import { z } from "zod";
import { jsonBounds } from "#lib/pure/json.ts";
import { banSchema, noPolicy, policyBounds, type Policy } from "#policy/ban.ts";
import { readNewerPolicy } from "#policy/newer.ts";
import { checkBounds, checkUnique, documentOf, type Document, type Newer } from "#policy/parse.ts";
import { idSchema, wordsSchema } from "#policy/text.ts";
import { toolSchema } from "#policy/tool.ts";

const ownId = idSchema.refine((id) => id.includes("/"), {
  error: "an id that begins with the group's name and a slash such as finance/anydesk",
});

/** What a group's signers write: bans and tools of the group's own, and nothing that could loosen anything. */
export const groupPolicySchema = z.strictObject({
  $schema: z.string().optional(),
  formatVersion: z.literal(1).default(1),
  name: wordsSchema,
  bans: z.array(banSchema.extend({ id: ownId })).readonly(),
  tools: z
    .array(toolSchema.extend({ id: ownId }))
    .readonly()
    .default([]),
});

/** The policy of one group, merged with nothing yet. */
export type GroupPolicy = Pick<Policy, "name" | "bans" | "tools" | "disabled" | "ignored">;

/** A group's policy as if it were one by itself: to hold one beside another, never to enforce. */
export function asPolicy(group: GroupPolicy): Policy {
  return { ...noPolicy, ...group };
}

/** `groups/<group>/policy.json`, unpacked; every id in it begins with the group's name and a slash. @throws PolicyError */
export function parseGroupPolicy(bytes: Uint8Array, group: string, { newer = "refuse" }: Newer = {}): GroupPolicy {
  const document = documentOf(bytes, { ...jsonBounds, bytes: policyBounds.group });
  checkBounds(document, { bans: policyBounds.groupBans, identities: policyBounds.groupIdentities });
  const read = document.version(newer) > 1 ? newerGroup(document, group) : strictGroup(document, group);
  checkUnique(document, "bans", read.bans);
  checkUnique(document, "tools", read.tools);
  return read;
}

function strictGroup(document: Document, group: string): GroupPolicy {
  const { name, bans, tools } = document.read(groupPolicySchema);
  for (const [list, entries] of [
    ["bans", bans],
    ["tools", tools],
  ] as const)
    for (const [i, { id }] of entries.entries())
      if (!id.startsWith(`${group}/`)) document.fail("shape", [list, i, "id"], foreign(group, id));
  return { name, bans, tools, disabled: [], ignored: [] };
}

/** What is understood of a group's policy that is newer than this program; of its keys only those that a group may have. */
function newerGroup(document: Document, group: string): GroupPolicy {
  const read = readNewerPolicy(document.value);
  if ("problem" in read) return document.failWith([read.problem]);
  const own = ({ id }: { readonly id: string }): boolean => id.startsWith(`${group}/`);
  const others = <T extends { readonly id: string }>(list: readonly T[]): readonly T[] =>
    list.filter((one) => !own(one));
  return {
    name: read.name,
    bans: read.bans.filter(own),
    tools: read.tools.filter(own),
    disabled: [
      ...read.disabled,
      ...others(read.bans).map(({ id }) => ({ ban: id, path: "bans", why: foreign(group, id) })),
    ],
    ignored: [
      ...read.ignored.filter(({ path }) => path.startsWith("tools")),
      ...others(read.tools).map(({ id }) => ({ path: "tools", why: foreign(group, id) })),
    ],
  };
}

function foreign(group: string, id: string): string {
  return `expected an id that begins with ${group}/, found ${JSON.stringify(id)}`;
}
