import { duplexPair } from "node:stream";
import { describe, expect, test } from "vitest";
import { GateLine } from "#agent/gate-line.ts";
import type { FromGate } from "#protocol/gate.ts";
import { generationOf } from "../fakes/generation.ts";

/** The agent's side of a gate's process that the test plays. */
function line() {
  const [control, gate] = duplexPair();
  const ended = Promise.withResolvers<string>();
  const kill = (): void => ended.resolve("SIGKILL");
  const generation = generationOf(1, Buffer.of(), Buffer.of());
  const heard: FromGate[] = [];
  const made = new GateLine(
    { pid: 1, control, ended: ended.promise.then((how) => ({ how })), kill },
    generation,
    (said) => heard.push(said),
  );
  gate.resume();
  return { line: made, gate, heard, end: (how: string) => ended.resolve(how) };
}

const overflow = '{"say":"overflow"}\n';

describe("what a gate's process says", () => {
  test("is heard line by line, however the bytes come", async () => {
    const { gate, heard } = line();
    for (const part of [overflow.slice(0, 7), overflow.slice(7) + overflow + overflow.slice(0, 3), overflow.slice(3)])
      await new Promise((resolve) => gate.write(part, resolve));
    await expect.poll(() => heard).toEqual([{ say: "overflow" }, { say: "overflow" }, { say: "overflow" }]);
  });

  test("is not heard where it was killed in the middle of it, and the agent goes on", async () => {
    const { line: one, gate, heard, end } = line();
    gate.end(`${overflow}{"say":"late","pid":7,"pa`);
    await expect.poll(() => heard).toHaveLength(1);
    end("SIGKILL");
    expect(await one.ended).toBe("SIGKILL");
    expect(one.alive).toBe(false);
  });

  test.each([
    ["no JSON", "deny everything\n"],
    ["nothing that a gate says", '{"say":"allow","pid":1}\n'],
    ["too much", '{"say":"overflow","and":"more"}\n'],
    ["a line without an end", "x".repeat(2 << 20)],
  ])("ends the process where it is %s, with what comes after it unheard", async (_, said) => {
    const { line: one, gate, heard } = line();
    gate.write(said);
    gate.write(overflow);
    expect(await one.ended).toMatch(/^it said /);
    expect(heard).toEqual([]);
  });

  test("is its reason where it ends by itself", async () => {
    const { line: one, gate, end } = line();
    const begun = one.begin({
      version: 1,
      failClosed: false,
      leave: [],
      agent: 1,
      device: deviceless,
      now: 0,
      people: [],
    });
    gate.write('{"say":"failed","why":"no descriptors"}\n');
    await expect(begun).rejects.toThrow("no descriptors");
    end("exit code 0");
    expect(await one.ended).toBe("no descriptors");
  });
});

const deviceless = {
  id: "",
  os: "linux",
  groups: [],
  claimed: [],
  person: "",
  installed: [],
  vital: [],
  breakers: [],
  acknowledged: [],
  enforcement: "policy",
} as const;
