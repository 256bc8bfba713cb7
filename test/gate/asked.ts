import { closeSync, openSync, readlinkSync } from "node:fs";
import { Duty } from "#agent/gate-duty.ts";
import type { Clock } from "#lib/clock.ts";
import type { Identifier } from "#observe/identify.ts";
import { rawFromBytes } from "#observe/raw-path.ts";
import type { Matcher } from "#policy/compile.ts";
import { deviceText, type Device } from "#policy/device.ts";
import type { Answer } from "#platform/gate.ts";
import { fromGateSchema, type FromGate } from "#protocol/gate.ts";

const nothing = (): undefined => undefined;

/**
 * The gate's own answer for a file, as if somebody were about to run it: the same decision, with the agent's answer to what
 * it asks, and no kernel that waits. No program is vital here, so that none is let go for that.
 */
export class AskedGate {
  readonly #duty: Duty;
  readonly #identifier: Pick<Identifier, "owner">;
  readonly #said: FromGate[] = [];
  /** How often the agent was asked who owns a file. */
  owners = 0;

  constructor(options: {
    matcher: Matcher;
    device: Device;
    clock: Clock;
    identifier: Pick<Identifier, "owner">;
    /** Devices that are left out. */
    leave?: readonly string[];
  }) {
    const { matcher, device, clock, identifier, leave = [] } = options;
    this.#identifier = identifier;
    this.#duty = new Duty({
      matcher,
      clock,
      isVital: () => false,
      begin: {
        version: 1,
        failClosed: true,
        leave,
        agent: process.pid,
        device: deviceText(device),
        now: clock.now(),
        people: [],
      },
      gate: {
        control: {
          say: (line) => void this.#said.push(fromGateSchema.parse(JSON.parse(line))),
          waitLine: nothing,
          waitBytes: nothing,
          dropped: 0,
        },
        isOurs: () => true,
        believes: () => false,
        steady: () => false,
        asker: nothing,
        programOf: nothing,
        settle: nothing,
        unsettle: nothing,
        unsettleAll: nothing,
        markProcess: nothing,
        addEntries: nothing,
        idAt: nothing,
        wake: nothing,
        leave: () => ({ devices: [], left: [] }),
        reading: nothing,
        finish: nothing,
        waiting: 0,
      },
    });
  }

  /** From now on these devices are left out. */
  leave(devices: readonly string[]): void {
    this.#duty.hear(JSON.stringify({ say: "leave", devices }));
  }

  /** @throws Error where the file cannot be opened */
  async answer(file: string): Promise<{ readonly answer: Answer; readonly said: readonly FromGate[] }> {
    const fd = openSync(file, "r");
    try {
      this.#said.length = 0;
      const path = readlinkSync(`/proc/self/fd/${fd}`, "buffer"); // what the kernel says: links are followed
      const finding = this.#duty.find({ what: "exec", pid: 1, fd, path, since: performance.now() });
      for (let next = finding.next(); ; next = finding.next()) {
        if (next.done === true) return { answer: next.value, said: [...this.#said] };
        if (next.value === "agent") await this.#reply();
      }
    } finally {
      closeSync(fd);
    }
  }

  async #reply(): Promise<void> {
    const asked = this.#said.findLast((message) => message.say === "owner?");
    if (asked === undefined) throw new Error("the gate waits for an answer to nothing");
    this.owners += 1;
    const raw = rawFromBytes(Buffer.from(asked.path, "base64"));
    const seen = raw && (await this.#identifier.owner(raw, asked));
    this.#duty.hear(JSON.stringify({ say: "owner", ask: asked.ask, ...(seen !== undefined && { seen }) }));
  }
}
