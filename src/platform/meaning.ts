import type { Capabilities, Capability } from "#platform/capabilities.ts";

// Pure: what is up and what is down, said to the person who reads.

/** What one thing is for, and what it means that it cannot be done. */
export interface Meaning {
  readonly title: string;
  readonly up: string;
  readonly down: string;
}

const meanings: Readonly<Record<Exclude<keyof Capabilities, "gate" | "stream">, Meaning>> = {
  seeEveryone: {
    title: "seeing programs",
    up: "the programs of everybody on this machine are seen",
    down: "a banned tool that somebody else runs is not noticed",
  },
  stop: {
    title: "stopping programs",
    up: "a banned tool that runs can be stopped, and no other in its place",
    down: "a banned tool is recorded and its user told, but it goes on running",
  },
  quarantine: {
    title: "quarantine",
    up: "an installed banned tool can be moved away, and given back",
    down: "where a ban says remove, what is installed stays where it is",
  },
  terminal: {
    title: "words in the terminal",
    up: "whoever is stopped reads why in their own terminal",
    down: "whoever is stopped reads why in a toast only",
  },
  session: {
    title: "toasts",
    up: "whoever sits at a desktop of this machine is told there",
    down: "whoever is stopped reads why in the terminal only",
  },
};

const byName = new Map(Object.entries(meanings));

/** Undefined for the lines of defence: they depend on each other, and `linesOf` says them. */
export function meaningOf(capability: string): Meaning | undefined {
  return byName.get(capability);
}

/** The three lines that stand between a person and a banned program, first to last. */
export const lineTitles = {
  gate: "the gate (before a start)",
  stream: "the exec stream (at a start)",
  sweep: "the sweeps (after a start)",
} as const;
export type LineName = keyof typeof lineTitles;

/** One line of defence: whether it stands, what keeps it from doing all that it should, and what that means. */
export interface Line {
  readonly up: boolean;
  readonly why: string | null;
  readonly means: string;
}
/** `policy`: the version that the gate answers by; null where none does. */
export type Lines = Readonly<Record<LineName, Line>> & { readonly gate: { readonly policy: number | null } };

/** The policy that a gate answers by: its version, and why it is not yet the one in force, where it is not. */
export interface Answering {
  readonly version: number;
  readonly behind: string | undefined;
}

/** How the lines stand: as they serve now where an agent says it, as they could where none runs. */
export interface Standing extends Readonly<Record<LineName, Capability>> {
  readonly seeEveryone: Capability;
  /** Undefined where no gate serves. */
  readonly answering?: Answering | undefined;
  /** Between two sweeps. */
  readonly sweepSeconds: number;
}

/** What the lines mean together: where one is down, the next one decides how long a banned program runs. */
export function linesOf(now: Standing): Lines {
  const line = (name: LineName, means: string): Line => {
    const state = now[name];
    return { up: state.up, why: state.up ? null : state.why, means };
  };
  return {
    gate: ofGate(now, line("gate", "a banned program does not begin to run")),
    stream: line("stream", ofStream(now)),
    sweep: line("sweep", ofSweep(now)),
  };
}

function ofGate(now: Standing, line: Line): Lines["gate"] {
  if (!now.gate.up) return { ...line, means: `a banned program ${untilSeen(now)}`, policy: null };
  const { version, behind } = now.answering ?? {};
  const policy = version ?? null;
  if (policy === null || behind === undefined) return { ...line, policy };
  const means = `what policy version ${policy} bans does not begin to run; what only a newer one bans ${untilSeen(now)}`;
  return { ...line, means, policy, why: `the gate of the policy in force does not serve yet: ${behind}` };
}

function untilSeen({ stream, sweep, sweepSeconds }: Standing): string {
  if (stream.up) return "runs until the exec stream sees it, some milliseconds";
  if (sweep.up) return `runs until a sweep sees it, up to ${sweepSeconds} s`;
  return "runs, and nobody notices";
}

function ofStream(now: Standing): string {
  if (now.gate.up) return `what the gate cannot see, such as a program in memory, ${untilSeen(now)}`;
  if (now.stream.up) return "every start is noticed as it happens";
  return now.sweep.up ? "a program that ends between two sweeps is not noticed" : "no start is noticed";
}

function ofSweep({ sweep, seeEveryone, sweepSeconds }: Standing): string {
  if (!sweep.up) return "what was running before, or was missed when it started, is not found";
  const often = `everything that runs is looked at every ${sweepSeconds} s`;
  return seeEveryone.up
    ? often
    : `what this user may see is looked at every ${sweepSeconds} s; programs of others are not seen`;
}
