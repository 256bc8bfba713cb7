import { existsSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { PlatformError } from "#platform/platform.ts";
import type { GateProcess } from "#platform/gate.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, run, until } from "./place.ts";
import { startedGate } from "./started.ts";

/** A place that answers by version 1, and whose next gates are started like this. */
async function opened() {
  const platform = await selectPlatform();
  const how = { start: (): GateProcess => startedGate() };
  const place = await GatePlace.open({ platform: { ...platform, startGate: () => how.start() } });
  onTestFinished(() => place.close());
  const first = place.keeper.health.pid;
  /** The second answers, and the first, which had to agree until then, has ended. */
  const second = async (): Promise<void> => {
    await until(() => place.keeper.answering?.version === 2 && !existsSync(`/proc/${first}`));
  };
  return { place, how, second, banned: place.add("banned", { banned: true, owner: 1000 }) };
}

const allowing = gatePolicy({ stages: [{ from: "2099-01-01T00:00:00Z", mode: "block" }] });
/** A process that is no gate and never says anything, until it is killed. */
const mute = (): GateProcess => startedGate({ under: ["/bin/sh", "-c", "exec sleep 600"] });

describe.skipIf(lacking("root"))("a gate whose policy is no longer the one in force", () => {
  test("says which it answers by, and that the next one's is being made ready", async () => {
    const { place, how, second, banned } = await opened();
    expect(place.keeper.answering).toEqual({ version: 1, behind: undefined });
    const started = Promise.withResolvers<GateProcess>();
    how.start = () => {
      const process = mute();
      started.resolve(process);
      return process;
    };
    place.want(allowing, 2);
    const next = await started.promise;
    expect(place.keeper.answering).toEqual({ version: 1, behind: "it is being made ready" });
    expect([place.keeper.state(), await run(banned)]).toEqual([{ up: true }, "denied"]);
    how.start = () => startedGate();
    next.kill();
    await second();
    expect(place.keeper.answering).toEqual({ version: 2, behind: undefined });
    expect(await run(banned)).toBe(0);
  });

  test.each<[how: string, why: string, start: () => GateProcess]>([
    [
      "cannot be started",
      "no more processes",
      () => {
        throw new PlatformError("failed", "no more processes");
      },
    ],
    [
      "ends at once",
      "it ended before it was ready: exit code 1",
      () => startedGate({ under: ["/bin/sh", "-c", "exit 1"] }),
    ],
  ])("goes on answering where the next one's %s, says why, and gives way once it can", async (_, why, start) => {
    const { place, how, second, banned } = await opened();
    how.start = start;
    place.want(allowing, 2);
    await until(() => place.keeper.answering?.behind === why);
    expect(place.keeper.answering).toEqual({ version: 1, behind: why });
    expect([place.keeper.state(), await run(banned)]).toEqual([{ up: true }, "denied"]);
    how.start = () => startedGate();
    await second();
    expect(await run(banned)).toBe(0);
  });

  test("answers by none when it has ended too", async () => {
    const { place, how, banned } = await opened();
    const next = mute();
    how.start = () => next;
    place.want(allowing, 2);
    process.kill(place.keeper.health.pid ?? 0, "SIGKILL");
    await until(() => place.keeper.answering === undefined);
    expect(place.keeper.state()).toEqual({ up: false, why: "it is being made ready" });
    expect(await run(banned)).toBe(0);
    next.kill();
  });
});
