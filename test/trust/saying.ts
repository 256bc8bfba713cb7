import { Duplex } from "node:stream";
import { expect, onTestFinished } from "vitest";
import type { Ask } from "#trust/courier-line.ts";
import { Courier, type CourierProcess } from "#trust/courier.ts";

export type Said = string | Buffer | undefined;
export const errand = {
  metadataUrl: "https://a/",
  targetsUrl: "https://a/targets/",
  ca: undefined,
  proxy: "http://p:1",
};

interface Saying {
  readonly courier: Courier;
  /** Every line that it was told, of all processes. */
  readonly told: string[];
  readonly asked: () => readonly Ask[];
  readonly processes: readonly Process[];
}
interface Process extends CourierProcess {
  readonly control: Duplex;
  /** Ends it, as if somebody had killed it. */
  readonly end: (how: string) => void;
  killed: number;
}

/** A courier that says this to each request, at once. */
export function saying(answer: (id: number, ask: Ask) => Said): Saying {
  const told: string[] = [];
  const processes: Process[] = [];
  const start = (): CourierProcess => {
    const ended = Promise.withResolvers<string>();
    const control: Duplex = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        for (const line of chunk.toString().split("\n").slice(0, -1)) {
          told.push(line);
          if (!line.includes('"id"')) continue;
          const ask = JSON.parse(line) as Ask;
          const said = answer(ask.id, ask);
          if (said !== undefined) control.push(said);
        }
        done();
      },
    });
    const made: Process = {
      control,
      ended: ended.promise,
      end: ended.resolve,
      killed: 0,
      kill: () => {
        made.killed += 1;
      },
    };
    processes.push(made);
    return made;
  };
  const courier = new Courier(start, errand);
  onTestFinished(() => courier.close());
  const asked = (): readonly Ask[] => told.filter((line) => line.includes('"id"')).map((line) => JSON.parse(line));
  return { courier, told, asked, processes };
}

export const line = (answer: object): string => `${JSON.stringify(answer)}\n`;
export const failed = (message: string | RegExp, code = "NETWORK"): object => ({
  name: "TrustError",
  code,
  message: typeof message === "string" ? message : expect.stringMatching(message),
});
