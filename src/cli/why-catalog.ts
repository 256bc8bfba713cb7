import type { Checked } from "#policy/checked.ts";
import type { Policy } from "#policy/ban.ts";
import { identityText } from "#policy/words.ts";
import type { Identity, Tool } from "#policy/tool.ts";
import type { InForce } from "#protocol/status.ts";

/** A tool that a name could mean, and what of it is called so. */
export interface Meant {
  readonly tool: Tool;
  readonly by: string;
}

/** The tools of a catalog that somebody may mean by a name: an id, a name, an alias, a package, an extension, a command. */
export function meantBy(name: string, tools: readonly Tool[]): readonly Meant[] {
  const wanted = name.toLowerCase();
  return tools.flatMap((tool) => {
    const by = ownNames(tool).includes(wanted)
      ? "it is called so"
      : tool.identities.filter((identity) => namesOf(identity).includes(wanted)).map(identityText)[0];
    return by === undefined ? [] : [{ tool, by }];
  });
}

function ownNames({ id, name, aliases }: Tool): readonly string[] {
  return [id, name, ...aliases].map((one) => one.toLowerCase());
}

function namesOf(identity: Identity): readonly string[] {
  switch (identity.kind) {
    case "package":
    case "extension":
      return [identity.id.toLowerCase()];
    case "name":
      return [identity.name.toLowerCase()];
    case "signer":
    case "hash":
    case "marker":
    case "path":
    case "config":
      return [];
    default:
      return identity satisfies never;
  }
}

export function meantLines(name: string, meant: readonly Meant[], policy: Policy | undefined): readonly string[] {
  return [
    `${name}: no file, process or ban is called so here. In the catalog it would be`,
    ...meant.flatMap(({ tool, by }) => [
      `  ${tool.name} (${tool.id}${tool.vendor === undefined ? "" : `, ${tool.vendor}`}): ${by}`,
      ...(policy?.bans ?? [])
        .filter((ban) => ban.tool === tool.id)
        .map(
          (ban) =>
            `    banned by ${ban.id}: ${ban.stages.map(({ from, mode }) => `${mode} from ${from}`).join(", then ")}`,
        ),
      ...(meant.length > 1
        ? []
        : tool.identities.map((identity) => `    · ${identityText(identity)}${systems(identity)}`)),
    ]),
    "Whether it is installed here, edict audit says.",
  ];
}

function systems({ os }: Identity): string {
  return os === undefined ? "" : `, on ${[os].flat().join(" and ")}`;
}

const words = { value: "there", absent: "absent", unread: "not read" } as const;

/** Identity by identity, tool by tool. */
export function checkedLines(all: readonly Checked[], nameOf: (tool: string) => string): readonly string[] {
  return [...Map.groupBy(all, ({ tool }) => tool)].flatMap(([tool, own]) => [
    `${nameOf(tool)}, identity by identity:`,
    ...own.map(
      ({ text, grade, is, why }) => `  ${words[is]}: ${text} (${grade})${why === undefined ? "" : `; ${why}`}`,
    ),
  ]);
}

/** What the policy in force on this device says of the tools that something is, or may be. It is judged where it runs. */
export function inForceLines({ name, bans }: InForce, tools: readonly Tool[]): readonly string[] {
  const lines = bans.flatMap(({ id, tool, mode, since, reason }) =>
    tools
      .filter((one) => one.id === tool)
      .map((one) => `  ${one.name}: the ban ${id}, ${mode}${since === null ? "" : ` since ${since}`}; ${reason}`),
  );
  if (lines.length === 0) return [`The policy in force here, "${name}", bans none of it.`];
  return [
    `The policy in force here, "${name}", bans`,
    ...lines,
    "Whether it was stopped, edict why says of a process (its id), and edict status.",
  ];
}
