import type { Policy } from "#policy/ban.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { parsePolicy } from "#policy/parse.ts";
import type { Catalog } from "#policy/tool.ts";

/**
 * A matcher that knows every tool of the catalog, and those of a policy: for looking, never for judging. (A compiled policy
 * knows only the tools that it bans or approves.)
 */
export function matcherOfEverything(catalog: Catalog, policy?: Policy): Matcher {
  const own = policy?.tools ?? [];
  const ids = new Set([...catalog.tools, ...own].map((tool) => tool.id));
  const bans = [...ids].map((id) => ({ id, tool: id, stages: [{ from: "1970-01-01T00:00:00Z", mode: "observe" }] }));
  const text = JSON.stringify({ name: "everything", bans, allowEmpty: true });
  return compile({ ...parsePolicy(Buffer.from(text)), tools: own }, catalog);
}
