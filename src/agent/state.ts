import Conf from "conf";
import { z } from "zod";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";

const stateSchema = z.object({
  /** Catalog ids of tools that were ever present here: a replacement once met stays met. */
  installed: z.array(z.string()).default([]),
  /** Warnings that people answered with `edict continue`. */
  acknowledged: z.array(z.object({ ban: z.string(), person: z.string(), until: z.string() })).default([]),
  /** The policy generation in force, and since when here. */
  activated: z.object({ version: z.number(), at: z.string() }).optional(),
  /** Bans whose breaker opened under that version. */
  breakers: z.object({ version: z.number(), bans: z.array(z.string()) }).default({ version: 0, bans: [] }),
  /** What was last reported as installed: a digest a finding. */
  reported: z.record(z.string(), z.string()).default({}),
});
export type DeviceState = z.infer<typeof stateSchema>;

/** What this device remembers over restarts. */
export interface State {
  read(): Readonly<DeviceState>;
  /** In memory at once; a disk that refuses is logged, and asked again at the next change. */
  write(change: Partial<DeviceState>): void;
}

/** An owner-only file in `folder`, replaced atomically. A broken one is started anew. */
export function openState(folder: string, log: Log): State {
  const file = new Conf({ cwd: folder, configName: "device", configFileMode: 0o600, clearInvalidConfig: true });
  const found = stateSchema.safeParse(file.store);
  if (!found.success) log.warn("the device's state was unreadable and starts anew", { file: file.path });
  let state = found.success ? found.data : stateSchema.parse({});
  return {
    read: () => state,
    write: (change) => {
      state = { ...state, ...change };
      try {
        file.store = state;
      } catch (error) {
        log.error("the device's state could not be written", { file: file.path, error: describe(error) });
      }
    },
  };
}
