import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Groups } from "#agent/groups.ts";
import { Policies } from "#agent/policies.ts";
import { openState } from "#agent/state.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { instantOf } from "#lib/pure/instant.ts";
import type { Generation } from "#trust/generation.ts";
import { generationOf } from "../fakes/generation.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { banText, toolText } from "../policy/text.ts";

async function newPolicies(): Promise<Policies> {
  return new Policies({
    os: "linux",
    clock: systemClock,
    state: openState(await temporaryFolder(), quiet),
    vital: [],
    floor: () => instantOf(0),
    groups: new Groups("device-1", []),
  });
}

function banning(id: string): string {
  return JSON.stringify({ name: id, bans: [banText({ id })], tools: [toolText("x")] });
}

function generation(version: number, policy: string): Generation {
  return generationOf(version, Buffer.from(policy), Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] })));
}

test("while a policy is made ready others have their turns, and see the one before as a whole", async () => {
  const policies = await newPolicies();
  await policies.activate(generation(1, banning("a")));
  const before = policies.current();
  const told: boolean[] = [];
  const done = new AbortController();
  let turns = 0;
  const activation = policies
    .activate(generation(2, banning("b")), (current) => told.push(current === policies.current()))
    .finally(() => done.abort());
  for (; !done.signal.aborted; turns += 1) {
    expect(policies.current()).toBe(before);
    expect(told).toEqual([]);
    await turn();
  }
  expect(await activation).toEqual({ activated: true, current: policies.current() });
  expect(told).toEqual([true]);
  expect(policies.current().version).toBe(2);
  expect(turns).toBeGreaterThan(4);
});

test("activations that are asked for at once come one after the other, whatever becomes of one", async () => {
  const policies = await newPolicies();
  const one = policies.activate(generation(1, banning("a")));
  const again = policies.activate(generation(1, "not even read"));
  const fails = policies.activate(generation(2, banning("b")), () => {
    throw new Error("whoever was told");
  });
  const last = policies.activate(generation(3, banning("c")));
  await expect(fails).rejects.toThrow("whoever was told");
  expect(await Promise.all([one, again, last])).toMatchObject([1, 1, 3].map((version) => ({ current: { version } })));
});
