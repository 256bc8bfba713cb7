import { formatInstant } from "#lib/pure/instant.ts";
import { topRoles, type PublicKey, type Role, type Root } from "#trust/metadata.ts";

// What a signer is shown of keys: each id in full, because it is compared with what its owner reads out.

const may = {
  root: "may say who may sign what",
  targets: "may sign policies, and delegate to departments",
  snapshot: "say which versions belong together (the server, by itself)",
  timestamp: "say what is newest (the server, by itself)",
} as const;

/** Everything that a root says, or what it changes. */
export function rootWords(next: Root, before: Root | undefined): readonly string[] {
  const until = formatInstant(next.expires);
  if (before === undefined)
    return [
      `a new root: who may sign what, good until ${until}`,
      ...topRoles.flatMap((role) => [
        `  ${role}: ${thresholdWords(next.roles[role])} ${may[role]}`,
        ...next.roles[role].keyids.map((id) => `    ${keyWords(id, next.keys)}`),
      ]),
    ];
  const changes = topRoles.flatMap((role) =>
    roleChanges(role, { ...before.roles[role], keys: before.keys }, { ...next.roles[role], keys: next.keys }),
  );
  const consistent = before.consistentSnapshot === next.consistentSnapshot ? [] : ["  ~ consistent snapshots change"];
  const all = [...changes, ...consistent];
  return [
    `root version ${next.version}, good until ${until}; version ${before.version} is in force until ${formatInstant(before.expires)}`,
    ...(all.length === 0 ? ["  the same keys and thresholds: it is good for longer, and nothing else"] : all),
  ];
}

interface Held extends Role {
  readonly keys: ReadonlyMap<string, PublicKey>;
}

/** What becomes of a role's keys and threshold; both undefined cannot be. */
export function roleChanges(role: string, before: Held | undefined, next: Held | undefined): readonly string[] {
  const [old, now] = [before?.keyids ?? [], next?.keyids ?? []];
  return [
    ...now
      .filter((id) => !old.includes(id))
      .map((id) => `  + ${role}: ${keyWords(id, next?.keys ?? new Map())} may sign from now on`),
    ...old
      .filter((id) => !now.includes(id))
      .map((id) => `  - ${role}: ${keyWords(id, before?.keys ?? new Map())} may sign no longer`),
    ...(before === undefined || next === undefined || thresholdWords(before) === thresholdWords(next)
      ? []
      : [`  ~ ${role}: ${thresholdWords(next)} have to sign, it was ${thresholdWords(before)}`]),
  ];
}

export function thresholdWords({ keyids, threshold }: Role): string {
  return `${threshold} of ${keyids.length} ${keyids.length === 1 ? "key" : "keys"}`;
}

function keyWords(id: string, keys: ReadonlyMap<string, PublicKey>): string {
  return `key ${id} (${keys.get(id)?.scheme ?? "unknown"})`;
}
