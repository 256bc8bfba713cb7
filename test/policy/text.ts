import { parseCatalog, parsePolicy, PolicyError } from "#policy/parse.ts";
import type { Policy } from "#policy/ban.ts";
import type { Catalog } from "#policy/tool.ts";

export const stage = { from: "2026-07-10T00:00:00+08:00", mode: "block" };

/** A ban that lints clean, with other keys in place of its own. */
export function banText(keys: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { id: "x", tool: "x", reason: "A test.", owner: "a@example.com", stages: [stage], ...keys };
}

export function toolText(id: string, ...identities: readonly unknown[]): Record<string, unknown> {
  return { id, name: id, identities: identities.length > 0 ? identities : [{ kind: "package", ecosystem: "npm", id }] };
}

export function policyOf(keys: Readonly<Record<string, unknown>>, newer: "refuse" | "tolerate" = "refuse"): Policy {
  return parsePolicy(Buffer.from(JSON.stringify({ name: "test", bans: [], ...keys })), { newer });
}

export function catalogOf(...tools: readonly unknown[]): Catalog {
  return parseCatalog(Buffer.from(JSON.stringify({ tools })));
}

/** The error that a text is refused with. */
export function refusalOf(parse: () => unknown): PolicyError {
  try {
    parse();
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error("it was taken");
}
