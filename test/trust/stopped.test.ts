import { expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { heals, inLanes, moving, versionIn } from "./stopped.ts";

// Each run of these is one process that is stopped at one system call: all of them, one after the other.

const lanes = 3;
const lacks = lacking("gcc", "libc6-dev");

test.skipIf(lacks !== undefined)(
  "killed at any system call that changes the disk, a device has one whole policy in force and gets the next",
  async () => {
    const device = await moving();
    const whole = await device.look(await device.fresh(), "kill", 1_000_000);
    expect(whole).toMatchObject({ said: "taken", exit: 0 });
    const { calls } = whole;
    expect(calls.length).toBeGreaterThan(100);
    for (const name of ["openat", "write", "fsync", "rename", "link", "unlink", "mkdir", "fchmod"])
      expect(calls).toContain(name);

    const versions: number[] = [];
    await inLanes([...calls.keys()], lanes, async (at) => {
      const dir = await device.fresh();
      const killed = await device.look(dir, "kill", at);
      expect([at, killed.exit, killed.calls.length]).toEqual([at, 137, at + 1]);
      versions[at] = await versionIn(device, dir);
      await heals(device, dir);
    });
    expect(new Set(versions)).toEqual(new Set([1, 2]));
  },
  180_000,
);

test.skipIf(lacks !== undefined)(
  "on a disk that is full from any system call on, a device says so, has one whole policy in force and gets the next",
  async () => {
    const device = await moving();
    const { calls } = await device.look(await device.fresh(), "full", 1_000_000);
    const said: string[] = [];
    await inLanes([...calls.keys()], lanes, async (at) => {
      const dir = await device.fresh();
      const looked = await device.look(dir, "full", at);
      expect([at, looked.exit, looked.said]).toEqual([at, 0, expect.stringMatching(/^(CACHE|taken)$/)]);
      const version = await versionIn(device, dir);
      expect([at, looked.said === "taken" ? version : 2]).toEqual([at, 2]);
      said[at] = looked.said;
      await heals(device, dir);
    });
    expect(said).toContain("CACHE");
  },
  180_000,
);
