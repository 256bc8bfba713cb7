import { chmodSync, linkSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, marker, run } from "./place.ts";

/** A policy whose own path proves something: POLICY.md lets an organisation say so. */
const byPath = (): Buffer => {
  const policy = JSON.parse(gatePolicy().toString()) as { tools: { identities: object[] }[] };
  policy.tools[0]?.identities.push({ kind: "path", glob: "/nowhere/at/all", grade: "proof" });
  return Buffer.from(JSON.stringify(policy));
};

describe.skipIf(lacking("root"))("a program that was allowed", () => {
  let place: GatePlace;
  beforeAll(async () => {
    place = await GatePlace.open();
  });
  afterAll(() => place.close());

  /** How often the gate is asked for four starts. */
  async function askedForFour(path: string): Promise<number> {
    const { asked } = await place.counts();
    for (let i = 0; i < 4; i += 1) await run("/bin/sh", "-c", '"$0"; exit $?', path);
    return (await place.counts()).asked - asked;
  }

  test("is asked about once, where only root can change it and its content is all that counts", async () => {
    expect(await askedForFour(place.add("plain"))).toBe(1);
  });

  test.each<[why: string, make: (name: string) => string]>([
    ["it is a user's", (name) => place.add(name, { owner: 1000 })],
    [
      "its group may write to it",
      (name) => {
        const path = place.add(name);
        chmodSync(path, 0o775);
        return path;
      },
    ],
    [
      "others may write to it",
      (name) => {
        const path = place.add(name);
        chmodSync(path, 0o757);
        return path;
      },
    ],
    [
      "it has another name",
      (name) => {
        const path = place.add(name);
        linkSync(path, `${path}-2`);
        return path;
      },
    ],
    ["nobody said whose it is", (name) => place.add(`node_modules/${name}/bin`)],
    [
      "it is too large to be read",
      (name) => {
        const path = place.add(name);
        truncateSync(path, 2 ** 31 + 1);
        return path;
      },
    ],
  ])("is asked about each time where %s", async (why, make) => {
    expect(await askedForFour(make(`each-${why.length}`))).toBe(4);
  });

  test("is asked about again where another file takes its name", async () => {
    const path = place.add("renamed-over");
    expect(await askedForFour(path)).toBe(1);
    renameSync(place.add("other", { banned: true }), path);
    expect(await run(path)).toBe("denied");
  });

  test("is asked about again after it was written to, and where it was emptied and made again", async () => {
    const path = place.add("written");
    expect(await askedForFour(path)).toBe(1);
    writeFileSync(path, marker, { flag: "a" });
    expect(await run(path)).toBe("denied");
    place.add("written"); // opened with O_TRUNC
    expect(await run(path)).toBe(0);
  });

  test("is asked about again when something changed that a verdict depends on", async () => {
    const path = place.add("changed");
    expect([await askedForFour(path), await askedForFour(path)]).toEqual([1, 0]);
    place.keeper.changed();
    expect(await askedForFour(path)).toBe(1);
  });

  test("is asked about again under another policy, and each time under one with a path that proves something", async () => {
    const path = place.add("policy");
    expect(await askedForFour(path)).toBe(1);
    await place.enforce(gatePolicy({ reason: "another" }), 2);
    expect(await askedForFour(path)).toBe(1);
    await place.enforce(byPath(), 3);
    expect(await askedForFour(path)).toBe(4);
    await place.enforce(gatePolicy(), 4);
    expect(await run(join(place.folder, "policy"))).toBe(0);
  });
});
