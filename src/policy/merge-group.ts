import type { Ban, Policy } from "#policy/ban.ts";
import { approvedBy } from "#policy/compile.ts";
import type { Conflict } from "#policy/conflict.ts";
import type { GroupPolicy } from "#policy/group.ts";
import type { Catalog, Identity, Tool } from "#policy/tool.ts";
import { identityText } from "#policy/words.ts";

/** What a group's policy stands on: everything that it can refer to, and nothing that it can change. */
export class Ground {
  readonly #bans: ReadonlySet<string>;
  readonly #tools = new Map<string, Tool>();
  readonly #approved: ReadonlySet<string>;
  /** Every identity of a tool that the base approves, and that tool's name. */
  readonly #approvedBy = new Map<string, string>();

  constructor(base: Policy, catalog: Catalog) {
    this.#bans = new Set(base.bans.map(({ id }) => id));
    for (const tool of [...catalog.tools, ...base.tools]) this.#tools.set(tool.id, tool);
    this.#approved = approvedBy(base);
    for (const { id, name, identities } of this.#tools.values())
      if (this.#approved.has(id)) for (const identity of identities) this.#approvedBy.set(keyOf(identity), name);
  }

  hasBan(id: string): boolean {
    return this.#bans.has(id);
  }

  tool(id: string): Tool | undefined {
    return this.#tools.get(id);
  }

  approves(tool: string): boolean {
    return this.#approved.has(tool);
  }

  /** The name of the approved tool that is known by this very identity. */
  approvedWith(identity: Identity): string | undefined {
    return this.#approvedBy.get(keyOf(identity));
  }
}

/** Two identities are one where they are said in the same words, whatever their grade. */
function keyOf(identity: Identity): string {
  return identityText(identity).toLowerCase();
}

type Speaks<T> = (one: T, ground: Ground, own: ReadonlyMap<string, Tool>) => string | undefined;

/** A tool of a group's own does not count where one of these speaks; the first is named. */
const shadows: readonly Speaks<Tool>[] = [
  ({ id }, ground) =>
    ground.tool(id) === undefined
      ? undefined
      : "the base policy or the catalog has a tool of that id, and it stays as it is",
  ({ id }, ground) =>
    ground.approves(id)
      ? "the base policy approves what has that id, and a group does not say what that is"
      : undefined,
];

/** A ban of a group's does not count where one of these speaks; the first is named. */
const refusals: readonly Speaks<Ban>[] = [
  ({ id }, ground) => (ground.hasBan(id) ? "the base policy has a ban of that id, and it stays as it is" : undefined),
  ({ tool }, ground, own) =>
    own.has(tool) || ground.tool(tool) !== undefined
      ? undefined
      : `there is no tool ${tool} in that policy, in the base policy or in the catalog`,
  ({ tool }, ground) =>
    ground.approves(tool) ? `the base policy approves ${tool}, and what is approved goes first` : undefined,
];

function spoken<T>(
  rules: readonly Speaks<T>[],
  one: T,
  ground: Ground,
  own: ReadonlyMap<string, Tool>,
): string | undefined {
  for (const speaks of rules) {
    const why = speaks(one, ground, own);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** What a group's policy adds, and what of it does not count. */
export function addedBy(
  group: string,
  policy: GroupPolicy,
  ground: Ground,
): Pick<Policy, "bans" | "tools"> & { readonly conflicts: readonly Conflict[] } {
  const conflicts: Conflict[] = [];
  const leaveOut = (what: Conflict["what"], id: string, why: string): void =>
    void conflicts.push({ part: `group ${group}`, what, id, why: `is left out: ${why}` });
  const own = new Map<string, Tool>();
  for (const tool of policy.tools) {
    const why = spoken(shadows, tool, ground, own);
    if (why === undefined) own.set(tool.id, withoutApproved(tool, ground, leaveOut));
    else leaveOut("tool", tool.id, why);
  }
  const bans: Ban[] = [];
  for (const ban of policy.bans) {
    const why = spoken(refusals, ban, ground, own);
    if (why === undefined) bans.push({ ...ban, group });
    else leaveOut("ban", ban.id, why);
  }
  return { bans, tools: [...own.values()], conflicts };
}

/** What the base approves cannot be banned under another name: an identity that both tools have is the approved one's. */
function withoutApproved(
  tool: Tool,
  ground: Ground,
  leaveOut: (what: "identity", id: string, why: string) => void,
): Tool {
  const identities = tool.identities.filter((identity) => {
    const approved = ground.approvedWith(identity);
    if (approved !== undefined)
      leaveOut("identity", tool.id, `${identityText(identity)} is ${approved}'s, which the base policy approves`);
    return approved === undefined;
  });
  return { ...tool, identities };
}
