import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, run } from "./place.ts";

/** The administrator's word: whatever lies at this path. */
function banning(glob: string): Buffer {
  const policy = JSON.parse(gatePolicy().toString("utf8"));
  const [tool] = policy.tools;
  return Buffer.from(
    JSON.stringify({ ...policy, tools: [{ ...tool, identities: [{ kind: "path", glob, grade: "proof" }] }] }),
  );
}

describe.skipIf(lacking("root"))("a ban of a path", () => {
  let place: GatePlace;
  beforeAll(async () => {
    place = await GatePlace.open();
    await place.enforce(banning(`${place.folder}/tools/**`), 2);
  });
  afterAll(() => place.close());

  test("holds what lies there, by whatever way it is reached, and nothing else", async () => {
    const path = place.add("tools/deep/program");
    expect(await run(path)).toBe("denied");
    symlinkSync(join(place.folder, "tools/deep"), join(place.folder, "way"));
    expect(await run(join(place.folder, "way/program"))).toBe("denied");
    renameSync(path, join(place.folder, "program"));
    expect(await run(join(place.folder, "program"))).toBe(0);
  });
});
