import { setTimeout as after } from "node:timers/promises";
import type { GateHears } from "#agent/gate-ears.ts";
import type { Gatekeeper } from "#agent/gatekeeper.ts";
import type { House } from "#agent/house.ts";
import { named, personOf } from "#agent/whom.ts";
import { describe } from "#lib/errors.ts";
import { entryFiles } from "#observe/entry-files.ts";
import { rawFromBytes } from "#observe/raw-path.ts";
import type { Evidence } from "#policy/evidence.ts";

/** Milliseconds for a directory service to name somebody: what the gate gives us, less some for the way. The answer is kept for the next time. */
const patience = 100;

/** What becomes of what the gate says, and who answers what it asks. */
export function hearing(
  { watching, enforcement, platform, log }: Pick<House, "watching" | "enforcement" | "platform" | "log">,
  gate: () => Gatekeeper,
): GateHears {
  return {
    denied: ({ evidence, verdict }) => {
      enforcement.denied(verdict, evidence);
      void guardEntries({ gate: gate(), log }, evidence);
    },
    late: ({ pid, denied }) => {
      if (!denied) watching.lookAt(pid);
    },
    overflow: () => watching.lookAgain(),
    owner: async ({ path, dev, ino }) => {
      const raw = rawFromBytes(Buffer.from(path, "base64"));
      const seen = raw && (await watching.owner(raw, { dev, ino }));
      return seen === undefined ? {} : { seen };
    },
    opener: async ({ pid, path, dev, ino }) => {
      const raw = rawFromBytes(Buffer.from(path, "base64"));
      const opening = raw && (await watching.opening(pid, raw, { dev, ino }));
      return opening === undefined ? {} : { opening: await named({ platform }, opening) };
    },
    person: async ({ uid }) => {
      const name = await Promise.race([personOf({ platform }, uid), after(patience, undefined, { ref: false })]);
      return name === undefined ? {} : { name };
    },
  };
}

/** A banned tool that is here: its files that loaders and interpreters open are asked about too. */
export async function guardEntries({ gate, log }: Pick<House, "gate" | "log">, evidence: Evidence): Promise<void> {
  try {
    for (const entry of await entryFiles(evidence)) gate.entry(entry);
  } catch (error) {
    log.debug("a tool's entry files could not be read", { error: describe(error) });
  }
}
