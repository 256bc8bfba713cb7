import { limits } from "#trust/limits.ts";

/** One of the targets that devices follow. The signed bytes are gzip; `bound` is what they may unpack to, and be long. */
export interface Part {
  readonly kind: "policy" | "catalog" | "devices" | "group" | "exceptions";
  readonly path: string;
  /** The group's, or the shard's (the first two hex digits of the device's hash); "" for the others. */
  readonly name: string;
  readonly bound: number;
}

const parts: readonly (Pick<Part, "kind" | "bound"> & { readonly at: RegExp })[] = [
  { kind: "policy", at: /^policy\.json$/, bound: limits.policy },
  { kind: "catalog", at: /^catalog\.json$/, bound: limits.catalog },
  { kind: "devices", at: /^devices\.json$/, bound: limits.devices },
  { kind: "group", at: /^groups\/([a-z0-9][a-z0-9-]{0,62})\/policy\.json$/, bound: limits.group },
  { kind: "exceptions", at: /^exceptions\/([0-9a-f]{2})\.json$/, bound: limits.exceptions },
];

/** What stands at a target's path; undefined where devices look for nothing. */
export function partOf(path: string): Part | undefined {
  for (const { kind, at, bound } of parts) {
    const found = at.exec(path);
    if (found !== null) return { kind, path, name: found[1] ?? "", bound };
  }
  return undefined;
}

export function groupPath(group: string): string {
  return `groups/${group}/policy.json`;
}

export function exceptionsPath(shard: string): string {
  return `exceptions/${shard}.json`;
}
