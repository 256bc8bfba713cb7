import type { House } from "#agent/house.ts";
import type { Capability } from "#platform/capabilities.ts";
import type { Standing } from "#platform/meaning.ts";

/** The lines of defence as they serve now: what this machine could do counts only while something does it. */
export function standingOf({ platform, gate, watching }: House): Standing {
  const { capabilities } = platform;
  const { error, execs, sweepSeconds } = watching.health();
  const broken = execs?.broken;
  const sweep: Capability = error === undefined ? { up: true } : { up: false, why: error };
  return {
    gate: capabilities.gate.up ? gate.state() : capabilities.gate,
    stream: broken === undefined ? capabilities.stream : { up: false, why: broken },
    sweep,
    seeEveryone: capabilities.seeEveryone,
    answering: gate.answering,
    sweepSeconds,
  };
}
