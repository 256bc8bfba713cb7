import { statSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceText } from "#platform/linux/proc.ts";
import { lacking } from "../needs.ts";
import { GatePlace, run, until } from "./place.ts";

const loader = "/lib64/ld-linux-x86-64.so.2";

describe.skipIf(lacking("root"))("an entry file of a banned tool", () => {
  let place: GatePlace;
  let path = "";
  const openers: number[] = [];
  beforeAll(async () => {
    place = await GatePlace.open({
      hears: {
        opener: ({ pid }) => {
          openers.push(pid);
          return Promise.resolve({});
        },
      },
    });
    path = place.add("tool", { banned: true });
    const { dev, ino } = statSync(path, { bigint: true });
    place.keeper.entry({ path, dev: deviceText(dev), ino: String(ino) });
    await place.counts();
  });
  afterAll(() => place.close());

  test("is asked about when a loader opens it", async () => {
    await run(loader, path);
    await until(() => openers.length > 0);
    expect(openers).toHaveLength(1);
  });

  test("is not asked about when somebody reads it", () => {
    expect(readFileSync(path).length).toBeGreaterThan(0);
  });
});
