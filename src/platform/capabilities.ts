/** One thing this machine can or cannot do for us, said out loud in `edict doctor` and `edict status`. */
export type Capability = { readonly up: true } | { readonly up: false; readonly why: string };

/** No Node types here: `enforce/plan.ts` is pure and reads this. */
export interface Capabilities {
  /** Other people's processes can be read. */
  readonly seeEveryone: Capability;
  /** Whoever is seen can be signalled, through a pidfd: without `seeEveryone` only this user's own. */
  readonly stop: Capability;
  /** Files of other people can be moved away and given back. */
  readonly quarantine: Capability;
  /** A line can be written on a person's terminal. */
  readonly terminal: Capability;
  /** A process can be started as the person who is logged in. */
  readonly session: Capability;
  /** Programs can be denied before their first instruction. */
  readonly gate: Capability;
  /** Every exec is reported as it happens. */
  readonly stream: Capability;
}

/** Seconds between two sweeps where nothing else is configured: beside a stream that tells of every start, they are the third line. */
export function usualSweepSeconds(stream: boolean): number {
  return stream ? 10 : 5;
}
