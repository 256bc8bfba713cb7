import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Capability } from "#platform/capabilities.ts";
import type { GateProcess } from "#platform/gate.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { GatePlace, run, until } from "./place.ts";
import { allEnded, allPoised } from "./poised.ts";
import { corePattern, fixed, withSetting } from "./sysctl.ts";
import { startedGate } from "./started.ts";

/** A place, and the process of its gate: with a small heap, so that it is soon full, and else as the agent starts it. */
async function opened(options: Parameters<typeof startedGate>[0] = { flags: ["--max-old-space-size=40"] }) {
  const platform = await selectPlatform();
  const started: GateProcess[] = [];
  const startGate = (): GateProcess => {
    started.unshift(startedGate(options));
    return gate();
  };
  const gate = (): GateProcess => {
    const [last] = started;
    if (last === undefined) throw new Error("no gate was started");
    return last;
  };
  const place = await GatePlace.open({ platform: { ...platform, startGate } });
  onTestFinished(() => place.close());
  const [banned, innocent] = [
    place.add("banned", { banned: true, owner: 1000 }),
    place.add("innocent", { owner: 1000 }),
  ];
  const large = place.add("large", { owner: 1000 });
  truncateSync(large, 2 ** 31); // nothing but a hole
  return { place, gate, banned, innocent, large };
}
type Opened = Awaited<ReturnType<typeof opened>>;

/** What it answers when it is up again. */
async function back({ place, banned, innocent }: Opened, pid: number | undefined) {
  await until(() => place.keeper.state().up && place.keeper.health.pid !== pid);
  return { fell: place.keeper.health.fell, ran: [await run(banned), await run(innocent)] };
}

/** All have run, within a second; and it is up again. */
const goesOn = { went: { ran: [0], inTime: true }, back: { fell: 1, ran: ["denied", 0] } };

const signal =
  (name: NodeJS.Signals) =>
  ({ pid }: GateProcess): void =>
    void process.kill(pid, name);

/** More than its heap holds. */
function tellTooMuch({ control }: GateProcess): void {
  const people = Array.from({ length: 600_000 }, (_, i) => [i, "somebody"]);
  control.write(`${JSON.stringify({ say: "standing", people, now: 0, device: {} })}\n`);
}

/** Children of this process, which is the gate's agent, wait in execve(2) for 32 GiB to be read. */
async function inTheMiddle(house: Opened, fault: (gate: GateProcess) => void) {
  const { pid } = house.place.keeper.health;
  const waiting = await allPoised(Array.from({ length: 16 }, () => house.large));
  await Promise.all(waiting.map((one) => one.go()));
  fault(house.gate());
  return { went: await allEnded(waiting, performance.now()), back: await back(house, pid) };
}

describe.skipIf(lacking("root"))("a gate's process that", () => {
  test.each<[how: string, fault: (gate: GateProcess) => void]>([
    ["is killed", signal("SIGKILL")],
    ["crashes", signal("SIGSEGV")],
    ["aborts", signal("SIGABRT")],
    ["has no memory left", tellTooMuch],
    ["is told what no agent says", ({ control }) => void control.write('{"say":"allow everything"}\n')],
    ["is told half a line", ({ control }) => void control.write('{"say":"standing","devi\n')],
  ])("%s in the middle of answers lets everybody go on within a second, and is back", async (_, fault) => {
    expect(await inTheMiddle(await opened(), fault)).toEqual(goesOn);
  });

  test("is stopped lets everybody go on within a second, and is back", async () => {
    const house = await opened();
    const { pid } = house.place.keeper.health;
    const waiting = await allPoised(Array.from({ length: 20 }, () => house.innocent));
    signal("SIGSTOP")(house.gate());
    const began = performance.now();
    await Promise.all(waiting.map((one) => one.go()));
    expect({ went: await allEnded(waiting, began), back: await back(house, pid) }).toEqual(goesOn);
  });

  test.skipIf(fixed(corePattern)).each<[how: string, fault: (gate: GateProcess) => void]>([
    ["aborts", signal("SIGABRT")],
    ["has no memory left", tellTooMuch],
  ])("%s dumps no core, whose helper would wait for it", async (_, fault) => {
    const house = await opened();
    const helper = house.place.add("dump-helper");
    expect(await withSetting(corePattern, `|${helper} %p`, () => inTheMiddle(house, fault))).toEqual(goesOn);
  });
});

describe.skipIf(lacking("root"))("a gate with few descriptors", () => {
  test("denies nothing for want of them: what it cannot take waits its turn", async () => {
    const { place, innocent, banned, large } = await opened({ under: ["prlimit", "--nofile=40"] });
    const paths = Array.from({ length: 60 }, (_, i) => (i < 3 ? large : i % 2 === 0 ? innocent : banned));
    const waiting = await allPoised(paths);
    await Promise.all(waiting.map((one) => one.go()));
    const ended = await Promise.all(waiting.map((one) => one.ended));
    expect(ended.map(({ ran }) => ran)).toEqual(paths.map((path) => (path === banned ? "denied" : 0)));
    expect(place.keeper.health.fell).toBe(0);
  });

  test("ends where they are taken from it, before the kernel denies by itself, and is back", async () => {
    const house = await opened();
    const { pid } = house.place.keeper.health;
    execFileSync("prlimit", ["--pid", String(pid), "--nofile=16"]);
    const waiting = await allPoised(Array.from({ length: 10 }, () => house.innocent));
    const began = performance.now();
    await Promise.all(waiting.map((one) => one.go()));
    expect({ went: await allEnded(waiting, began), back: await back(house, pid) }).toEqual(goesOn);
  });

  test.each(["16", "28"])("does not begin with %s, says why, and everybody goes on", async (limit) => {
    const under: string[] = [];
    const house = await opened({ under });
    const { pid } = house.place.keeper.health;
    under.push("prlimit", `--nofile=${limit}`); // from the next one on
    house.gate().kill();
    await until(() => failed(house.place.keeper.state()));
    expect([await run(house.innocent), await run(house.banned)]).toEqual([0, 0]);
    under.splice(0);
    expect(await back(house, pid)).toEqual(goesOn.back);
  });
});

/** Whether it has been tried, in vain. */
function failed(state: Capability): boolean {
  return !state.up && /before it was ready|would deny programs by itself/.test(state.why);
}
