import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Stalls } from "#agent/gate-stalls.ts";
import { systemClock } from "#lib/clock.ts";
import { deviceText } from "#observe/read-file.ts";
import { compile } from "#policy/compile.ts";
import { parsePolicy } from "#policy/parse.ts";
import { stoodStill } from "#platform/gate.ts";
import { monotonic, Note, NotePage } from "#platform/linux/gate/note.ts";
import { leftStuck, letGo } from "#platform/linux/gate/stuck.ts";
import { openLibc } from "#platform/linux/libc.ts";
import { lacking } from "../needs.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { AskedGate } from "./asked.ts";
import { device, gatePolicy, GatePlace, marker, run, until } from "./place.ts";
import { poised } from "./poised.ts";
import { noStallingDisk, stallingDisk } from "./stalling-disk.ts";

const hour = 3_600_000;

/** A gate, and below its place a disk that can be made to stand still. */
async function opened() {
  const time = { now: 0 };
  const place = await GatePlace.open({ stalls: new Stalls(() => time.now) });
  onTestFinished(() => place.close());
  const programs = ["banned", "banned-later", "one", "two", "three", "pieces", "folder/entry"];
  const disk = await stallingDisk(join(place.folder, "disk"), programs);
  const { keeper } = place;
  await until(() => keeper.health.marks?.devices.includes(disk.device) === true);
  const at = (name: string): string => join(disk.mount, name);

  /** Starts a program of the disk while it stands still; what came of it, and the gate is up again. */
  const stalls = async (name: string) => {
    const { pid, fell } = keeper.health;
    const one = await poised(at(name));
    await disk.stall();
    await one.go();
    await until(() => keeper.health.fell > fell);
    await disk.go();
    const { ran } = await one.ended;
    await until(() => keeper.state().up && keeper.health.pid !== pid);
    return ran;
  };
  return { time, place, disk, keeper, at, stalls };
}

describe.skipIf(noStallingDisk())("a disk whose reading stands still", () => {
  test("ends the gate twice, then is left out, and the gate answers for all the rest", async () => {
    const { place, disk, keeper, at, stalls } = await opened();
    const banned = place.add("banned", { banned: true, owner: 1000 });
    expect([await run(at("banned")), await run(banned)]).toEqual(["denied", "denied"]);

    expect(await stalls("one")).toBe(0);
    expect([keeper.leftOut, await run(banned), await run(at("banned"))]).toEqual([[], "denied", "denied"]);
    expect(await stalls("two")).toBe(0);
    expect(keeper.leftOut).toEqual([disk.mount]);
    expect(keeper.health.marks).toMatchObject({
      devices: expect.not.arrayContaining([disk.device]) as string[],
      left: [{ path: disk.mount, why: stoodStill(disk.device) }],
    });
    expect([await run(banned), await run(at("banned"))]).toEqual(["denied", 0]);

    const { pid } = keeper.health;
    const waits = await poised(at("three"));
    await disk.stall();
    await waits.go(); // for the disk, and for nobody else
    const { asked } = await place.counts();
    expect(await run(banned)).toBe("denied");
    expect((await place.counts()).asked).toBe(asked + 1);
    await disk.go();
    expect((await waits.ended).ran).toBe(0);
    expect([keeper.health.pid, keeper.health.fell]).toEqual([pid, 2]);
  });

  test("is tried again after an hour, and left out again after one more time", async () => {
    const { time, disk, keeper, at, stalls } = await opened();
    await stalls("one");
    await stalls("two");
    expect([keeper.leftOut, await run(at("banned"))]).toEqual([[disk.mount], 0]);
    const { pid } = keeper.health;
    time.now += hour;
    await until(() => keeper.health.marks?.devices.includes(disk.device) === true);
    expect([keeper.leftOut, await run(at("banned-later")), keeper.health.pid]).toEqual([[], "denied", pid]);
    await stalls("three");
    expect([keeper.leftOut, await run(at("banned"))]).toEqual([[disk.mount], 0]);
  });
});

describe.skipIf(noStallingDisk())("a disk that stands still while the kernel looks where a file lies", () => {
  test("holds up nobody for long, though no signal ends the gate", async () => {
    const { place, disk, keeper, at } = await opened();
    const banned = place.add("banned", { banned: true, owner: 1000 });
    const { pid = 0 } = keeper.health;
    const [first, second] = [await poised(at("pieces")), await poised(banned)];
    await disk.stall();
    await first.go();
    await until(() => isWaitingForDisk(pid));
    await second.go();
    expect((await second.ended).ran).toBe(0); // asked of a gate that could not answer
    await until(() => keeper.state().up && keeper.health.pid !== pid);
    expect([await run(banned), keeper.health.fell, isWaitingForDisk(pid)]).toEqual(["denied", 1, true]);
    await disk.go();
    expect((await first.ended).ran).toBe(0);
    await until(() => !existsSync(`/proc/${pid}`));
  });

  test("holds up nobody who starts something after an agent that left such a gate behind", async () => {
    const { place, disk, keeper, at } = await opened();
    const { pid = 0 } = keeper.health;
    const banned = place.add("banned", { banned: true, owner: 1000 });
    expect(leftStuck()).toEqual([]);
    const [first, second] = [await poised(at("pieces")), await poised(banned)];
    await disk.stall();
    await first.go();
    await until(() => isWaitingForDisk(pid));
    await second.go();
    await until(() => leftStuck().length > 0);
    expect(leftStuck()).toEqual([pid]);
    await letGo(pid, openLibc());
    expect((await second.ended).ran).toBe(0);
    await disk.go();
    expect((await first.ended).ran).toBe(0);
  });

  test("is not waited for in a folder that nobody has read yet; what lies there is asked about once somebody has", async () => {
    const { place, disk, keeper, at } = await opened();
    const banned = place.add("banned", { banned: true, owner: 1000 });
    const { pid } = keeper.health;
    const path = at("folder/entry");
    const one = await poised(banned);
    await disk.stall();
    keeper.entry({ path, dev: disk.device, ino: disk.inodes.get("folder/entry") ?? "" });
    await one.go();
    expect([(await one.ended).ran, keeper.health.pid, keeper.health.fell]).toEqual(["denied", pid, 0]);
    const { asked } = await place.counts();
    await disk.go();
    readFileSync(path);
    expect((await place.counts()).asked).toBe(asked);
    keeper.changed();
    await place.counts();
    readFileSync(path);
    expect((await place.counts()).asked).toBe(asked + 1);
  });
});

/** Whether it waits for a disk, and for nothing else (state D of proc_pid_stat(5)). */
function isWaitingForDisk(pid: number): boolean {
  return /^State:\tD/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
}

test.skipIf(lacking("root"))("a gate that is stopped while it reads nothing is no filesystem's fault", async () => {
  const place = await GatePlace.open();
  onTestFinished(() => place.close());
  const { keeper } = place;
  const banned = place.add("banned", { banned: true, owner: 1000 });
  for (const time of [1, 2, 3]) {
    expect(await run(banned)).toBe("denied");
    process.kill(keeper.health.pid ?? 0, "SIGSTOP");
    await until(() => keeper.health.fell === time && keeper.state().up);
  }
  expect([keeper.leftOut, await run(banned)]).toEqual([[], "denied"]);
});

test("a file on a device that is left out is not even read, wherever it is mounted", async () => {
  const file = join(await temporaryFolder(), "banned");
  writeFileSync(file, marker);
  const [there, elsewhere] = [deviceText(statSync(file, { bigint: true }).dev), "7:12345"];
  const gate = new AskedGate({
    matcher: compile(parsePolicy(gatePolicy()), { formatVersion: 1, tools: [] }),
    device,
    clock: systemClock,
    identifier: { owner: () => Promise.resolve(undefined) },
    leave: [elsewhere, there],
  });
  const answers: string[] = [];
  for (const leave of [undefined, [elsewhere], []]) {
    if (leave !== undefined) gate.leave(leave);
    answers.push((await gate.answer(file)).answer);
  }
  expect(answers).toEqual(["allow", "deny", "deny"]);
});

describe("a gate's note", () => {
  test("names the device of a reading that has no end, and none while it is young or when it is over", () => {
    const page = new NotePage(openLibc());
    onTestFinished(() => page.close());
    const note = new Note(page.fd);
    const at = (milliseconds: number): string | undefined => page.stoodOn(began + milliseconds);
    const began = monotonic();
    expect(at(10_000)).toBeUndefined();
    note.reading("254:17");
    expect([at(599), at(10_000)]).toEqual([undefined, "254:17"]);
    note.reading(undefined);
    expect(at(10_000)).toBeUndefined();
    note.reading("0:1048575");
    expect(at(10_000)).toBe("0:1048575");
  });

  test("is written nowhere else, where there is no page", async () => {
    const file = join(await temporaryFolder(), "file");
    writeFileSync(file, Buffer.alloc(4096));
    const fd = openSync(file, "r+");
    for (const other of [fd, 1_000_000]) new Note(other).reading("254:17");
    closeSync(fd);
    expect(readFileSync(file)).toEqual(Buffer.alloc(4096));
  });
});

describe("a filesystem that gates stood still on", () => {
  const minute = 60_000;
  /** At these minutes a gate stood still on it: whether it was left out from then on. */
  const after = (minutes: readonly number[]): readonly boolean[] => {
    let now = 0;
    const stalls = new Stalls(() => now);
    return minutes.map((at) => {
      now = at * minute;
      return stalls.stood("7:0");
    });
  };

  test.each<[minutes: readonly number[], leftOut: readonly boolean[]]>([
    [[0], [false]],
    [
      [0, 1],
      [false, true],
    ],
    [
      [0, 10],
      [false, true],
    ],
    [
      [0, 11],
      [false, false],
    ],
    [
      [0, 11, 20],
      [false, false, true],
    ],
    [
      [0, 1, 62],
      [false, true, true],
    ],
    [
      [0, 1, 72],
      [false, true, false],
    ],
  ])("at the minutes %j is left out: %j", (minutes, leftOut) => {
    expect(after(minutes)).toEqual(leftOut);
  });

  test("is counted for itself, and left out for an hour", () => {
    let now = 0;
    const stalls = new Stalls(() => now);
    expect([stalls.stood("7:0"), stalls.stood("7:1"), stalls.stood("7:0")]).toEqual([false, false, true]);
    expect(stalls.left()).toEqual(["7:0"]);
    now = hour - 1;
    expect([stalls.left(), stalls.left()]).toEqual([["7:0"], ["7:0"]]);
    now = hour;
    expect(stalls.left()).toEqual([]);
  });
});
