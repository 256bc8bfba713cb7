import type { Evidence, FileSeen } from "#policy/evidence.ts";
import type { Verdict } from "#policy/verdict.ts";

/** One process and no other: pid, start time in ticks since boot, and its program's device and inode (law 2). */
export interface ProcessId {
  readonly pid: number;
  readonly start: number;
  readonly dev: string;
  readonly ino: string;
}

/**
 * What is to be done about a verdict, as data; `enforce/execute` has one executor a kind, and each step ends in one
 * outcome. Every outcome is reported, and who is concerned reads it, so a stop needs no `record` and no `tell` beside it.
 */
export type Step =
  | { readonly do: "record" }
  /** `unable`: why what the mode asks for cannot be done here; the person is asked instead. */
  | { readonly do: "tell"; readonly unable?: string }
  /** Ends a process and its tree. `grace` in milliseconds between telling and the first signal; 0 is at once. */
  | { readonly do: "stop"; readonly process: ProcessId; readonly grace: number }
  | { readonly do: "quarantine"; readonly file: FileSeen };

/**
 * What became of it.
 * `grace`: told, will be stopped at `until` · `denied`: the gate let it not start · `stopped`: signalled and gone ·
 * `gone`: ended by itself before we could · `spared`: what was there is no longer what was judged · `failed`: see `error`.
 */
export type Deed =
  | "recorded"
  | "told"
  | "grace"
  | "denied"
  | "stopped"
  | "gone"
  | "spared"
  | "quarantined"
  | "restored"
  | "failed";

export interface Outcome {
  /** UUIDv7. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly did: Deed;
  /** When a grace ends, ISO 8601. */
  readonly until?: string;
  /** Processes that were ended, the tool's own first. */
  readonly ended?: readonly number[];
  /** Descendants that had left the tool's user or session, or are vital, and were let alone. */
  readonly left?: readonly number[];
  /** The quarantine's id, where something was put there. */
  readonly quarantine?: string;
  readonly error?: string;
}
