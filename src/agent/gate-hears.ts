import type { Gatekeeper, GateHears } from "#agent/gatekeeper.ts";
import type { House } from "#agent/house.ts";
import { describe } from "#lib/errors.ts";
import { entryFiles } from "#observe/entry-files.ts";
import { rawFromBytes } from "#observe/raw-path.ts";
import type { Evidence } from "#policy/evidence.ts";

/** What becomes of what the gate says, and who answers what it asks. */
export function hearing(
  { watching, enforcement, log }: Pick<House, "watching" | "enforcement" | "log">,
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
      return opening === undefined ? {} : { opening };
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
