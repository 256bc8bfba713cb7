import { readFileSync, readlinkSync, renameSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceText } from "#platform/linux/proc.ts";
import { lacking } from "../needs.ts";
import { GatePlace, marker, run, until } from "./place.ts";

const loader = "/lib64/ld-linux-x86-64.so.2";

function idOf(file: string): { readonly dev: string; readonly ino: string } {
  const { dev, ino } = statSync(file, { bigint: true });
  return { dev: deviceText(dev), ino: String(ino) };
}

describe.skipIf(lacking("root"))("an entry file of a banned tool", () => {
  let place: GatePlace;
  let path = "";
  beforeAll(async () => {
    place = await GatePlace.open({
      // What the agent finds out, for a loader and nobody else.
      hears: {
        opener: ({ pid }) =>
          Promise.resolve(
            readlinkSync(`/proc/${pid}/exe`).includes("/ld-")
              ? { opening: { process: { pid, start: 1 }, file: { path: loader } } }
              : {},
          ),
      },
    });
    path = place.add("tool", { banned: true });
    place.keeper.entry({ path, ...idOf(path) });
    await place.counts();
  });
  afterAll(() => place.close());

  test("does not begin through a loader, and it is said what was started", async () => {
    expect(await run(loader, path)).toBe(127);
    await until(() => place.denied.length > 0);
    expect(place.denied[0]).toMatchObject({ file: { path: loader }, script: { path } });
  });

  test("is that file and no other that lies there by now, nor one that a link in its way leads to", async () => {
    const swapped = place.add("folder/swapped");
    place.add("elsewhere/swapped");
    const another = idOf(place.add("folder/another"));
    renameSync(join(place.folder, "elsewhere/swapped"), join(place.folder, "folder/another"));
    place.keeper.entry({ path: join(place.folder, "folder/another"), ...another });
    await place.counts(); // it has been told
    renameSync(join(place.folder, "folder"), join(place.folder, "moved"));
    symlinkSync("moved", join(place.folder, "folder"));
    place.keeper.entry({ path: swapped, ...idOf(join(place.folder, "moved/swapped")) });
    const { asked } = await place.counts();
    for (const name of ["another", "swapped"]) readFileSync(join(place.folder, "moved", name));
    expect((await place.counts()).asked).toBe(asked);
    readFileSync(path); // those that were named before are asked about still
    expect((await place.counts()).asked).toBe(asked + 1);
  });

  test("is read by others as ever", async () => {
    expect(await run("/bin/grep", "-q", marker, path)).toBe(0);
    expect(await run(process.execPath, "-e", `require("fs").readFileSync(${JSON.stringify(path)})`)).toBe(0);
    expect(place.denied).toHaveLength(1);
  });
});
