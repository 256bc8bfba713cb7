import { formatInstant } from "#lib/pure/instant.ts";
import type { DelegatedRole, Delegations, Targets } from "#trust/metadata.ts";
import { roleChanges, thresholdWords } from "#publish/root-words.ts";

/** What a targets role changes besides the content of its files: delegations, and how long it is good. */
export function targetsWords(role: string, next: Targets, before: Targets | undefined): readonly string[] {
  const now =
    before === undefined ? "" : `; version ${before.version} is in force until ${formatInstant(before.expires)}`;
  const gone = [...(before?.targets.keys() ?? [])].filter((path) => !next.targets.has(path));
  return [
    `${role} version ${next.version}, good until ${formatInstant(next.expires)}${now}`,
    ...gone.map((path) => `  - ${path} is taken away`),
    ...delegationWords(before?.delegations ?? none, next.delegations ?? none),
  ];
}

const none: Delegations = { keys: new Map(), roles: new Map(), succinct: undefined };

function delegationWords(before: Delegations, next: Delegations): readonly string[] {
  const names = [...new Set([...before.roles.keys(), ...next.roles.keys()])];
  const kept = (of: Delegations): string => [...of.roles.keys()].filter((name) => both(name, before, next)).join();
  return [
    ...names.flatMap((name) => {
      const [old, now] = [before.roles.get(name), next.roles.get(name)];
      return [
        ...scopeWords(name, old, now),
        ...roleChanges(name, old && { ...old, keys: before.keys }, now && { ...now, keys: next.keys }),
      ];
    }),
    ...(kept(before) === kept(next) ? [] : ["  ~ the delegations are asked in another order"]),
  ];
}

function both(name: string, before: Delegations, next: Delegations): boolean {
  return before.roles.has(name) && next.roles.has(name);
}

function scopeWords(name: string, old: DelegatedRole | undefined, now: DelegatedRole | undefined): readonly string[] {
  if (now === undefined) return [`  - ${name} is taken away, and what it had signed counts no longer`];
  if (old === undefined) return [`  + ${name} is new: ${thresholdWords(now)} may sign ${scopeOf(now)}`];
  return scopeOf(old) === scopeOf(now) ? [] : [`  ~ ${name} may sign ${scopeOf(now)}, it was ${scopeOf(old)}`];
}

function scopeOf({ paths, terminating }: DelegatedRole): string {
  return `${paths?.join(", ")}${terminating ? "" : " (and others may too)"}`;
}
