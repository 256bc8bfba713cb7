import { each, type Pieces } from "#lib/pure/pieces.ts";
import type { Ban, Policy } from "#policy/ban.ts";
import { approvedBy } from "#policy/compile.ts";
import type { Conflict } from "#policy/conflict.ts";
import type { GroupPolicy } from "#policy/group.ts";
import type { Catalog, Identity, Tool } from "#policy/tool.ts";
import { identityText } from "#policy/words.ts";

export function* groundInPieces(base: Policy, catalog: Catalog): Pieces<Ground> {
  const bans = new Set<string>();
  const tools = new Map<string, Tool>();
  const know = (tool: Tool): void => void tools.set(tool.id, tool);
  yield* each(base.bans, ({ id }) => void bans.add(id));
  yield* each(catalog.tools, know);
  yield* each(base.tools, know);
  const approved = approvedBy(base);
  const approvedWith = new Map<string, string>();
  yield* each(approved, (id) => {
    const tool = tools.get(id);
    for (const identity of tool?.identities ?? []) approvedWith.set(keyOf(identity), tool?.name ?? id);
  });
  return new Ground({ bans, tools, approved, approvedWith });
}

interface Known {
  readonly bans: ReadonlySet<string>;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly approved: ReadonlySet<string>;
  /** Every identity of a tool that the base approves, and that tool's name. */
  readonly approvedWith: ReadonlyMap<string, string>;
}

/** What a group's policy stands on: everything that it can refer to, and nothing that it can change. */
export class Ground {
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  hasBan(id: string): boolean {
    return this.#known.bans.has(id);
  }

  tool(id: string): Tool | undefined {
    return this.#known.tools.get(id);
  }

  approves(tool: string): boolean {
    return this.#known.approved.has(tool);
  }

  /** The name of the approved tool that is known by this very identity. */
  approvedWith(identity: Identity): string | undefined {
    return this.#known.approvedWith.get(keyOf(identity));
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
