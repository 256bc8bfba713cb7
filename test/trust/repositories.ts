import {
  array,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  option,
  record,
  string,
  subarray,
  uniqueArray,
  type Arbitrary,
} from "fast-check";
import { instantOf } from "#lib/pure/instant.ts";
import { listed, type Covered, type Simulator } from "./simulator.ts";

// Repositories and what befalls them, as data: made by fast-check, readable when a difference is found.

const online = ["timestamp", "snapshot"] as const;
const delegated = ["A", "B", "C", "D"] as const;
const role = constantFrom("root", ...online, "targets", ...delegated);
const below = constantFrom("targets", "targets", "targets", ...delegated);
const signed = ["a", "ab", "b", "x/a", "x/b", "x/y/z"] as const;
/** What is looked for: the last ones are signed by nobody, so that everybody is asked. */
export const paths = [...signed, "z", "x/z"] as const;

export interface Repository {
  readonly consistent: boolean;
  /** Whether files vouch for the length and the hash of others. */
  readonly promises: boolean;
  readonly edges: readonly { readonly parent: string; readonly child: string; readonly covered: Covered }[];
  /** Who delegates to four bins, besides. */
  readonly binsOf: string | undefined;
  readonly targets: readonly { readonly role: string; readonly path: string }[];
  readonly keys: readonly { readonly role: string; readonly keys: number; readonly threshold: number }[];
}

const half = (from: string): readonly string[] => Array.from(from);
const patterns = oneof(
  constant(["*", "x/*"]),
  subarray(["*", "a*", "?", "b", "x/*", "x/?", "*/*", "*/*/*", "none"], {
    minLength: 1,
    maxLength: 3,
  }),
);
const prefixes = constantFrom(half("01234567"), half("89abcdef"), ["ca978112", "fb"], [""]);
const coverage: Arbitrary<Covered> = record({
  paths: patterns,
  path_hash_prefixes: prefixes,
  byHash: boolean(),
  terminating: boolean(),
}).map(({ byHash, terminating, ...by }) =>
  byHash ? { path_hash_prefixes: by.path_hash_prefixes, terminating } : { paths: by.paths, terminating },
);

export const repository: Arbitrary<Repository> = record({
  consistent: boolean(),
  promises: boolean(),
  edges: uniqueArray(record({ parent: below, child: constantFrom(...delegated), covered: coverage }), {
    maxLength: 7,
    selector: ({ parent, child }) => `${parent} ${child}`,
  }),
  binsOf: option(below, { nil: undefined, freq: 3 }),
  targets: array(record({ role: below, path: constantFrom(...signed) }), { maxLength: 6 }),
  keys: array(record({ role, keys: integer({ min: 1, max: 3 }), threshold: integer({ min: 1, max: 3 }) }), {
    maxLength: 3,
  }),
});

/** Everything that befalls a repository, between two looks. */
export type Event =
  | { readonly event: "published"; readonly roles: readonly string[] }
  | { readonly event: "target"; readonly role: string; readonly path: string; readonly text: string }
  | { readonly event: "keys replaced"; readonly role: string; readonly keys: number; readonly threshold: number }
  | { readonly event: "signed by"; readonly role: string; readonly who: "strangers" | "too few" | "nobody" | "more" }
  | { readonly event: "expires"; readonly role: string; readonly when: "past" | "future" }
  | { readonly event: "goes back"; readonly role: string }
  | { readonly event: "gets lost" | "damaged" | "called otherwise" | "another version"; readonly role: string }
  | { readonly event: "healed" };

const count = integer({ min: 1, max: 3 });
export const event: Arbitrary<Event> = oneof(
  record({ event: constant("published" as const), roles: subarray(["targets", ...delegated]) }),
  record({ event: constant("target" as const), role: below, path: constantFrom(...signed), text: string() }),
  record({ event: constant("keys replaced" as const), role, keys: count, threshold: count }),
  record({
    event: constant("signed by" as const),
    role,
    who: constantFrom("strangers" as const, "too few" as const, "nobody" as const, "more" as const),
  }),
  record({
    event: constant("expires" as const),
    role,
    when: constantFrom("past" as const, "future" as const),
  }),
  record({ event: constant("goes back" as const), role: constantFrom(...online, "targets", ...delegated) }),
  record({
    event: constantFrom(
      "gets lost" as const,
      "damaged" as const,
      "called otherwise" as const,
      "another version" as const,
    ),
    role,
  }),
  constant({ event: "healed" as const }),
);

const [past, future] = [instantOf(1_600_000_000_000), instantOf(4_000_000_000_000)];

/** Plays events on a simulated repository; every change has a version of its own. */
export class Played {
  readonly sim: Simulator;
  readonly #newest = new Map<string, number>();

  constructor(sim: Simulator, { consistent, promises, edges, binsOf, targets, keys }: Repository) {
    this.sim = sim;
    [sim.consistent, sim.promises] = [consistent, promises];
    for (const { parent, child, covered } of edges) if (this.#has(parent)) sim.delegate(parent, child, covered);
    if (binsOf !== undefined && this.#has(binsOf) && sim.role(binsOf).delegations.length === 0)
      sim.delegateBins(binsOf, 2, "bin");
    for (const [i, { role: name, path }] of targets.entries())
      if (this.#has(name)) sim.role(name).targets.set(path, Buffer.from(`${i} of ${name}`));
    for (const { role: name, keys: number, threshold } of keys)
      if (this.#has(name))
        Object.assign(sim.role(name), { keys: fresh(number), threshold: Math.min(threshold, number) });
    for (const one of sim.roles.values()) one.expires = future;
  }

  async play(happens: Event): Promise<void> {
    if (happens.event === "healed") return this.#heal();
    if (happens.event === "published") return this.#next(...happens.roles.filter((name) => this.#has(name)));
    if (!this.#has(happens.role)) return;
    const changed = this.sim.role(happens.role);
    const before = changed.keys;
    switch (happens.event) {
      case "target":
        changed.targets.set(happens.path, Buffer.from(happens.text));
        break;
      case "keys replaced":
        Object.assign(changed, { keys: fresh(happens.keys), threshold: Math.min(happens.keys, happens.threshold) });
        // Replacing one of these keys alone is one of the listed differences.
        if (happens.role === "snapshot") Object.assign(this.sim.timestamp, { keys: fresh(1), threshold: 1 });
        if (happens.role === "timestamp") Object.assign(this.sim.snapshot, { keys: fresh(1), threshold: 1 });
        break;
      case "signed by":
        changed.signers = {
          strangers: fresh(1),
          "too few": before.slice(changed.keys.length - changed.threshold + 1),
          nobody: [],
          more: [...fresh(1), ...before],
        }[happens.who];
        break;
      case "expires":
        changed.expires = happens.when === "past" ? past : future;
        break;
      case "goes back":
        changed.version = Math.max(1, changed.version - 1);
        return this.#next(
          ...(happens.role === "timestamp" ? [] : happens.role === "snapshot" ? ["timestamp"] : ["snapshot"]),
        );
      case "gets lost":
        changed.tamper = () => undefined;
        break;
      case "damaged":
        changed.tamper = (bytes) => Buffer.from(bytes.toString().replace('"version":', '"verslon":'));
        break;
      case "called otherwise":
        changed.bend = (content) => ({ ...content, _type: "other" });
        break;
      case "another version":
        changed.bend = (content) => ({ ...content, version: Number(content["version"]) + 1 });
        break;
    }
    await this.#changed(happens.role, happens.event === "keys replaced" ? before : []);
  }

  #has(name: string): boolean {
    return this.sim.roles.has(name);
  }

  async #heal(): Promise<void> {
    for (const one of this.sim.roles.values()) {
      [one.signers, one.tamper, one.bend, one.expires] = [undefined, undefined, undefined, future];
    }
    this.#next(...[...this.sim.roles.keys()].filter((name) => name !== "root"));
    await this.sim.writeRoot();
  }

  /** A role changed, and so did all that vouch for it. */
  async #changed(name: string, oldKeys: Parameters<Simulator["writeRoot"]>[0]): Promise<void> {
    const parents = [...this.sim.roles].filter(([, { delegations }]) => delegations.some((one) => one.name === name));
    this.#next(
      ...(name === "root" || name === "timestamp" || name === "snapshot" ? [] : [name]),
      ...parents.map(([parent]) => parent),
    );
    const top = name === "root" || name === "timestamp" || name === "snapshot" || name === "targets";
    if (top) await this.#newRoot(name === "root" ? oldKeys : []);
  }

  async #newRoot(also: Parameters<Simulator["writeRoot"]>[0]): Promise<void> {
    this.sim.next("root");
    await this.sim.writeRoot(also);
  }

  /** Versions never come back, as the same version with other content is one of the listed differences. */
  #next(...names: readonly string[]): void {
    for (const name of new Set([...names, "snapshot", "timestamp"])) {
      const newest = Math.max(this.#newest.get(name) ?? 0, this.sim.role(name).version) + 1;
      this.#newest.set(name, newest);
      this.sim.role(name).version = newest;
    }
  }
}

function fresh(length: number): ReturnType<typeof listed>[] {
  return Array.from({ length }, () => listed());
}
