import { readlinkSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceText } from "#platform/linux/proc.ts";
import { lacking } from "../needs.ts";
import { GatePlace, marker, run, until } from "./place.ts";

const loader = "/lib64/ld-linux-x86-64.so.2";

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
    const { dev, ino } = statSync(path, { bigint: true });
    place.keeper.entry({ path, dev: deviceText(dev), ino: String(ino) });
    await place.counts();
  });
  afterAll(() => place.close());

  test("does not begin through a loader, and it is said what was started", async () => {
    expect(await run(loader, path)).toBe(127);
    await until(() => place.denied.length > 0);
    expect(place.denied[0]).toMatchObject({ file: { path: loader }, script: { path } });
  });

  test("is read by others as ever", async () => {
    expect(await run("/bin/grep", "-q", marker, path)).toBe(0);
    expect(await run(process.execPath, "-e", `require("fs").readFileSync(${JSON.stringify(path)})`)).toBe(0);
    expect(place.denied).toHaveLength(1);
  });
});
