import { parseDuration } from "#lib/pure/instant.ts";
import type { Ban, Limits } from "#policy/ban.ts";
import type { Tool } from "#policy/tool.ts";
import type { Notice } from "#policy/verdict.ts";

/** Where the policy does not say. */
const defaults = { grace: "PT10M", warnFor: "PT8H" } as const;

/** How long a program that runs already may go on, in milliseconds. */
export function graceOf({ running }: Ban): number {
  return parseDuration(running?.grace ?? defaults.grace);
}

/** What a person is told about a ban, from the ban, its limits and what the catalog knows of both tools. */
export function noticeOf(ban: Ban, limits: Limits, tool: (id: string) => Tool | undefined): Notice {
  const banned = tool(ban.tool);
  const name = banned?.name ?? ban.tool;
  const { replacement } = ban;
  const instead = replacement === undefined ? undefined : tool(replacement.tool);
  const own = replacement?.equivalents ?? [];
  const said = new Set(own.map(({ from }) => from));
  const known = (banned?.equivalents ?? []).filter((e) => e.tool === replacement?.tool && !said.has(e.from));
  const equivalents = [...own, ...known].map(({ from, to }) => Object.freeze({ from, to }));
  return Object.freeze({
    tool: name,
    reason: ban.reason ?? `${name} is not approved here.`,
    reference: ban.reference,
    owner: ban.owner,
    message: Object.freeze({ ...ban.message }),
    replacement: replacement === undefined ? undefined : (instead?.name ?? replacement.tool),
    url: replacement?.url ?? instead?.homepage,
    equivalents: Object.freeze(equivalents),
    grace: graceOf(ban),
    warnFor: parseDuration(ban.warn?.for ?? defaults.warnFor),
    strict: ban.strict ?? false,
    exceptions: ban.exceptions !== "never",
    notifyPerDay: limits.notifyPerDay,
  });
}
