/** Something that stops banned tools, in this namespace only. */
export interface Enforcer {
  readonly name: "nobody" | "edict" | "fapolicyd";
  /** How long a tool must have run to count as missed, in milliseconds. */
  readonly life: number;
  /** How long it takes at most to come up, in milliseconds. */
  readonly comesWithin: number;
  /** Begins to enforce; resolves when it does. @throws where it does not */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Forgets that it was ever here. Only while stopped. */
  readonly forget: () => Promise<void>;
}

/** Nobody watches: shows which disguises work on this machine at all. */
export const nobody: Enforcer = {
  name: "nobody",
  life: 200,
  comesWithin: 0,
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  forget: () => Promise.resolve(),
};
