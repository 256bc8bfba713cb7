import type { GateLine } from "#agent/gate-line.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { toGateSchema, type FromGate, type ToGate } from "#protocol/gate.ts";

type Asked<Say extends FromGate["say"]> = Extract<FromGate, { say: Say }>;
type Answer<Say extends ToGate["say"]> = Promise<Omit<Extract<ToGate, { say: Say }>, "say" | "ask">>;

/** What the gate asks and says that others answer. */
export interface GateHears {
  denied(message: Asked<"denied">): void;
  /** It let a program go that it could not judge in time. */
  late(message: Asked<"late">): void;
  overflow(): void;
  owner(message: Asked<"owner?">): Answer<"owner">;
  opener(message: Asked<"opener?">): Answer<"opener">;
  person(message: Asked<"person?">): Answer<"person">;
}

/** Hands on what gates say of others, and answers what they ask. What others make of it is no fault of the gate's. */
export class GateEars {
  readonly #hears: GateHears;
  readonly #log: Log;

  constructor(hears: GateHears, log: Log) {
    this.#hears = hears;
    this.#log = log;
  }

  listen(line: GateLine, message: Exclude<FromGate, Asked<"pong" | "marks">>): void {
    try {
      this.#hear(line, message);
    } catch (error) {
      this.#log.error("what the gate said was lost", { say: message.say, error: describe(error) });
    }
  }

  #hear(line: GateLine, message: Exclude<FromGate, Asked<"pong" | "marks">>): void {
    const [hears, log] = [this.#hears, this.#log];
    switch (message.say) {
      case "denied":
        return hears.denied(message);
      case "late":
        log.warn("the gate could not judge in time", { pid: message.pid, why: message.why, denied: message.denied });
        return hears.late(message);
      case "overflow":
        log.warn("more programs started at once than the kernel keeps for the gate");
        return hears.overflow();
      case "owner?":
        return this.#reply(line, message.ask, "owner", hears.owner(message));
      case "opener?":
        return this.#reply(line, message.ask, "opener", hears.opener(message));
      case "person?":
        return this.#reply(line, message.ask, "person", hears.person(message));
      case "ready":
      case "failed":
        return; // its line has taken them, and says why it ended
      default:
        return message satisfies never;
    }
  }

  /** Where there is no answer the gate lets go by itself. */
  #reply(line: GateLine, ask: number, say: "owner" | "opener" | "person", answer: Promise<object>): void {
    answer
      .then((found) => line.say(toGateSchema.parse({ say, ask, ...found })))
      .catch((error: unknown) =>
        this.#log.warn("the gate asked, and was not answered", { say, error: describe(error) }),
      );
  }
}
