import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceText } from "#observe/read-file.ts";
import { lacking } from "../needs.ts";
import { GatePlace, run, until } from "./place.ts";

const deviceAt = (path: string): string => deviceText(statSync(path, { bigint: true }).dev);

/** Unmounts it, unless somebody has it open. */
function isFree(path: string): boolean {
  return spawnSync("umount", [path], { stdio: "ignore" }).status === 0;
}

describe.skipIf(lacking("root"))("mounts that come and go", () => {
  let place: GatePlace;
  beforeAll(async () => {
    place = await GatePlace.open();
  });
  afterAll(() => place.close());

  const isGated = (device: string): boolean => place.keeper.health.marks?.devices.includes(device) === true;

  /** Mounts something below the place. */
  function mount(name: string, ...args: readonly string[]): string {
    const path = join(place.folder, name);
    mkdirSync(path, { recursive: true });
    execFileSync("mount", [...args, path]);
    return path;
  }

  /** The same for a filesystem in memory, once the gate has heard of it. */
  async function mountMemory(name: string): Promise<string> {
    const path = mount(name, "-t", "tmpfs", "edict-test");
    await until(() => isGated(deviceAt(path)));
    return path;
  }

  async function unmount(path: string): Promise<void> {
    const device = deviceAt(path);
    await until(() => isFree(path)); // the gate has it in hand at every change of the table
    await until(() => !isGated(device));
  }

  test.each(["plain", "with space", "new\nline", "Ümläut"])(
    "what is mounted while it runs is gated: %j",
    async (name) => {
      const path = await mountMemory(name);
      const [banned, innocent] = [place.add(`${name}/banned`, { banned: true }), place.add(`${name}/innocent`)];
      expect([await run(banned), await run(innocent)]).toEqual(["denied", 0]);
      await unmount(path);
    },
  );

  test("one that shows the machine's own files gates none of them", async () => {
    const path = mount("bound", "--bind", "/usr/bin");
    const after = await mountMemory("after"); // the table has been read when this one is known
    const { asked } = await place.counts();
    expect(await run(join(path, "true"))).toBe(0);
    expect((await place.counts()).asked).toBe(asked);
    await until(() => isFree(path));
    await unmount(after);
  });

  test("one that lies over another is not taken for it", async () => {
    const under = await mountMemory("layers");
    const below = deviceAt(under);
    const over = mount("layers", "-t", "sysfs", "edict-test");
    await until(() => !isGated(below));
    expect(isGated(deviceAt(over))).toBe(false);
    await until(() => isFree(over));
    await until(() => isGated(below));
    expect(await run(place.add("layers/banned", { banned: true }))).toBe("denied");
    await unmount(under);
  });

  test("in a storm of them each answer stays right, and the gate stays up", async () => {
    const { fell } = place.keeper.health;
    const storm = [0, 1, 2].map(async (worker) => {
      for (let turn = 0; turn < 8; turn += 1) {
        const [banned, innocent] = [
          place.add(`banned-${worker}`, { banned: true, owner: 1000 }),
          place.add(`innocent-${worker}`, { owner: 1000 }),
        ];
        const path = await mountMemory(`storm-${worker}`);
        copyFileSync(innocent, join(path, "copy"));
        expect([await run(banned), await run(innocent), await run(join(path, "copy"))]).toEqual(["denied", 0, 0]);
        execFileSync("umount", ["-l", path]); // the gate may be about to read a file of it
      }
    });
    await Promise.all(storm);
    const last = await mountMemory("last");
    expect(await run(place.add("last/banned", { banned: true }))).toBe("denied");
    await unmount(last);
    expect(place.keeper.health.fell).toBe(fell);
  });
});
