import { parseInstant } from "#lib/pure/instant.ts";
import type { Capabilities, Capability } from "#platform/capabilities.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { ProcessId, Step } from "#policy/outcome.ts";
import { asksForStop, stops, type Mode, type Verdict } from "#policy/verdict.ts";

type Act = "nothing" | "record" | "tell" | "stop" | "stop after grace" | "quarantine";

/** POLICY.md, "What each mode does". Read it aloud: a banned mode asks for this, of something seen like that. */
const table: { readonly [M in Mode]: { readonly [K in Evidence["kind"]]: Act } } = {
  allow: { exec: "nothing", process: "nothing", installed: "nothing", file: "nothing" },
  observe: { exec: "record", process: "record", installed: "record", file: "record" },
  notify: { exec: "tell", process: "tell", installed: "record", file: "record" },
  warn: { exec: "stop", process: "stop after grace", installed: "record", file: "record" },
  block: { exec: "stop", process: "stop after grace", installed: "tell", file: "record" },
  remove: { exec: "stop", process: "stop after grace", installed: "quarantine", file: "quarantine" },
};

/** What is to be done. Total and pure: no clock, no system, nothing is done here. */
export function plan(verdict: Verdict, evidence: Evidence, can: Capabilities): readonly Step[] {
  const act = table[capped(verdict)][evidence.kind];
  switch (act) {
    case "nothing":
      return verdict.exception === null ? [] : [{ do: "record" }]; // an exception that is used is recorded
    case "record":
    case "tell":
      return [{ do: act }];
    case "stop":
      return [stop(evidence, beganBefore(evidence, verdict.since) ? grace(verdict) : 0, can)];
    case "stop after grace":
      return [stop(evidence, grace(verdict), can)];
    case "quarantine":
      return [quarantine(evidence, can)];
  }
}

/** Hints never stop anything (law 3): decide has capped them already, and here it is held once more. */
function capped(verdict: Verdict): Mode {
  return asksForStop(verdict.mode) && !stops(verdict) ? "notify" : verdict.mode;
}

/** Milliseconds between being told and the first signal. */
const grace = (verdict: Verdict): number => verdict.notice?.grace ?? 0;

/** Whether it is known to have run before the stage began: then nobody could have known, and it gets the ban's grace. */
function beganBefore(evidence: Evidence, since: string | null): boolean {
  const [started, began] = [instant(evidence.process?.startedAt), instant(since)];
  return started !== undefined && began !== undefined && started < began;
}

function instant(text: string | null | undefined): number | undefined {
  try {
    return text === null || text === undefined ? undefined : parseInstant(text);
  } catch {
    return undefined; // unknown is a value
  }
}

function stop(evidence: Evidence, after: number, can: Capabilities): Step {
  const id = idOf(evidence);
  if (id === undefined) return { do: "tell", unable: "which process it is could not be read" };
  return unable(can.stop) ?? { do: "stop", process: id, grace: after };
}

function quarantine(evidence: Evidence, can: Capabilities): Step {
  if (evidence.file === undefined) return { do: "tell", unable: "which file it is could not be read" };
  return unable(can.quarantine) ?? { do: "quarantine", file: evidence.file };
}

function unable(capability: Capability): Step | undefined {
  return capability.up ? undefined : { do: "tell", unable: capability.why };
}

function idOf({ process, file }: Evidence): ProcessId | undefined {
  if (process === undefined || file?.dev === undefined || file.ino === undefined) return undefined;
  return { pid: process.pid, start: process.start, dev: file.dev, ino: file.ino };
}
