import Conf from "conf";
import { z } from "zod";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { parseInstant } from "#lib/pure/instant.ts";

const instantText = z.string().refine(isInstantText, "an instant with an offset");

const fields = {
  /** Catalog ids of tools that were ever present here: a replacement once met stays met. */
  installed: z.array(z.string()),
  /** Warnings that people answered with `edict continue`. */
  acknowledged: z.array(z.object({ ban: z.string(), person: z.string(), until: instantText })),
  /** The id of the bans in force, and since when here. */
  activated: z.object({ policy: z.string(), at: instantText }).optional(),
  /** In which start of the machine the agent last watched, and until how many seconds after it; it did not say where it was killed. */
  watched: z.object({ boot: z.string(), until: z.number().nonnegative().optional() }).optional(),
  /** Bans whose breaker opened under those. */
  breakers: z.object({ policy: z.string(), bans: z.array(z.string()) }),
  /** What was last reported as installed: a digest a finding. */
  reported: z.record(z.string(), z.string()),
};
const stateSchema = z.object(fields);
export type DeviceState = z.infer<typeof stateSchema>;

const nothing: DeviceState = {
  installed: [],
  acknowledged: [],
  breakers: { policy: "", bans: [] },
  reported: {},
};

/** What this device remembers over restarts. */
export interface State {
  read(): Readonly<DeviceState>;
  /** In memory at once; a disk that refuses is logged, and asked again at the next change. */
  write(change: Partial<DeviceState>): void;
  /** Why the disk did not take the last change; undefined while it does. */
  readonly trouble: string | undefined;
}

/** An owner-only file in `folder`, replaced atomically. What is broken in it starts anew. Never throws. */
export function openState(folder: string, log: Log): State {
  return new StateFile(folder, log);
}

class StateFile implements State {
  readonly #folder: string;
  readonly #log: Log;
  #file: Conf | undefined;
  #state = nothing;
  trouble: string | undefined;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
    this.#try((file) => {
      const broken: string[] = [];
      this.#state = wellFormed(file.store, broken);
      if (broken.length > 0) log.warn("parts of the device's state were unreadable and start anew", { broken });
    });
  }

  read(): Readonly<DeviceState> {
    return this.#state;
  }

  write(change: Partial<DeviceState>): void {
    this.#state = { ...this.#state, ...change };
    this.#try((file) => (file.store = this.#state));
  }

  #try(act: (file: Conf) => void): void {
    try {
      this.#file ??= new Conf({
        cwd: this.#folder,
        configName: "device",
        configFileMode: 0o600,
        clearInvalidConfig: true,
      });
      act(this.#file);
      this.trouble = undefined;
    } catch (error) {
      this.trouble = describe(error);
      this.#log.error("the device's state cannot be kept", { folder: this.#folder, error: this.trouble });
    }
  }
}

/** Each part by itself: one that is broken takes no other with it. */
function wellFormed(found: Readonly<Record<string, unknown>>, broken: string[]): DeviceState {
  const part = <T>(name: keyof typeof fields, schema: z.ZodType<T>, otherwise: T): T => {
    if (!Object.hasOwn(found, name)) return otherwise;
    const parsed = schema.safeParse(found[name]);
    if (parsed.success) return parsed.data;
    broken.push(name);
    return otherwise;
  };
  const activated = part("activated", fields.activated, undefined);
  const watched = part("watched", fields.watched, undefined);
  return {
    installed: part("installed", fields.installed, nothing.installed),
    acknowledged: part("acknowledged", fields.acknowledged, nothing.acknowledged),
    ...(activated !== undefined && { activated }),
    ...(watched !== undefined && { watched }),
    breakers: part("breakers", fields.breakers, nothing.breakers),
    reported: part("reported", fields.reported, nothing.reported),
  };
}

function isInstantText(text: string): boolean {
  try {
    parseInstant(text);
    return true;
  } catch {
    return false;
  }
}
