import type { Ban, Policy } from "#policy/ban.ts";

/** One difference between two policies, with words for whoever is about to sign. */
export interface Change {
  readonly what: "ban" | "tool" | "allow" | "exception" | "limits" | "name";
  readonly id: string;
  readonly change: "added" | "removed" | "changed";
  /** The keys that differ, where it is changed. */
  readonly keys: readonly string[];
  readonly text: string;
}

/** What signing `b` instead of `a` changes. */
export function diff(a: Policy, b: Policy): readonly Change[] {
  return [
    ...(a.name === b.name ? [] : [changed("name", b.name, [], `the name is ${b.name}, it was ${a.name}`)]),
    ...entries("ban", byId(a.bans), byId(b.bans), banText),
    ...entries("tool", byId(a.tools), byId(b.tools), (tool) => `${tool.name}, ${tool.identities.length} identities`),
    ...entries("allow", byText(a.allow), byText(b.allow), () => "approved without being a replacement"),
    ...entries(
      "exception",
      exceptionsOf(a),
      exceptionsOf(b),
      (e) => `until ${e.until}${e.reason === undefined ? "" : `: ${e.reason}`}`,
    ),
    ...(same(a.limits, b.limits)
      ? []
      : [
          changed(
            "limits",
            "limits",
            keysThatDiffer(a.limits, b.limits),
            `limits: ${JSON.stringify(a.limits)} → ${JSON.stringify(b.limits)}`,
          ),
        ]),
  ];
}

function changed(what: Change["what"], id: string, keys: readonly string[], text: string): Change {
  return { what, id, change: "changed", keys, text };
}

function byId<T extends { readonly id: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  return new Map(list.map((entry) => [entry.id, entry]));
}

function byText(list: readonly string[]): ReadonlyMap<string, string> {
  return new Map(list.map((entry) => [entry, entry]));
}

function exceptionsOf(policy: Policy): ReadonlyMap<string, Policy["exceptions"][number]> {
  return new Map(policy.exceptions.map((e) => [`${e.ban} for ${e.person ?? e.device ?? e.group}`, e]));
}

function entries<T>(
  what: Change["what"],
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  words: (entry: T) => string,
): readonly Change[] {
  const changes: Change[] = [];
  for (const [id, entry] of before)
    if (!after.has(id))
      changes.push({ what, id, change: "removed", keys: [], text: `- ${what} ${id}: ${words(entry)}` });
  for (const [id, entry] of after) {
    const old = before.get(id);
    if (old === undefined)
      changes.push({ what, id, change: "added", keys: [], text: `+ ${what} ${id}: ${words(entry)}` });
    else if (!same(old, entry)) {
      const keys = keysThatDiffer(old, entry);
      const details = keys.map((key) => `${key} ${valueText(old, key)} → ${valueText(entry, key)}`);
      changes.push(changed(what, id, keys, `~ ${what} ${id}: ${details.join("; ")}`));
    }
  }
  return changes;
}

/** Equal as JSON, whatever the order of keys. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
}

function keysThatDiffer(a: unknown, b: unknown): readonly string[] {
  const [one, other] = [membersOf(a), membersOf(b)];
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => !same(one.get(key), other.get(key)));
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function valueText(entry: unknown, key: string): string {
  const value = membersOf(entry).get(key);
  if (value === undefined) return "(nothing)";
  return key === "stages" && Array.isArray(value) ? stagesText(value) : JSON.stringify(value);
}

function stagesText(stages: readonly unknown[]): string {
  const words = stages.map(
    (stage) => `${String(membersOf(stage).get("mode"))} from ${String(membersOf(stage).get("from"))}`,
  );
  return `[${words.join(", ")}]`;
}

function banText({ tool, stages, scope, replacement }: Ban): string {
  const whom = scope === undefined ? "everybody" : JSON.stringify(scope);
  const instead = replacement === undefined ? "" : `, instead ${replacement.tool}`;
  return `${tool} ${stagesText(stages)} for ${whom}${instead}`;
}
