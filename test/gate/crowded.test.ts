import { hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, run, until } from "./place.ts";

/** As many and as long as make a line that no agent listens to. */
const markers = Array.from({ length: 400 }, (_, i) => hash("sha512", `${i}`, "hex").repeat(31));

describe.skipIf(lacking("root"))("a file with every marker of a large policy", () => {
  let place: GatePlace;
  beforeAll(async () => {
    const policy = JSON.parse(gatePolicy().toString("utf8"));
    const identities = markers.map((bytes) => ({ kind: "marker", bytes }));
    const tools = [{ ...policy.tools[0], identities }];
    place = await GatePlace.open({ policy: Buffer.from(JSON.stringify({ ...policy, tools })) });
  });
  afterAll(() => place.close());

  test("is denied, and the gate is heard and stays", async () => {
    const path = place.add("crowded");
    writeFileSync(path, markers.join(""), { flag: "a" });
    expect(await run(path)).toBe("denied");
    await until(() => place.denied.length > 0 || place.keeper.health.fell > 0);
    expect(place.keeper.health.fell).toBe(0);
    expect(await run(path)).toBe("denied");
  });
});
