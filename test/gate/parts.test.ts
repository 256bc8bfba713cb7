import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "#trust/sha256.ts";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, run } from "./place.ts";

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** Bans nothing before 2099. */
const base = gatePolicy({ stages: [{ from: "2099-01-01T00:00:00Z", mode: "block" }] });
const stages = [{ from: "2026-01-01T00:00:00Z", mode: "block" }];
const finance = { name: "finance", bans: [{ id: "finance/banned", tool: "banned-tool", stages }] };
const theirs = (policy: Buffer): { readonly groups: ReadonlyMap<string, Uint8Array> } => ({
  groups: new Map([
    ["finance", policy],
    ["hr", json({ name: "people", bans: [] })],
  ]),
});

describe.skipIf(lacking("root"))("the gate, by what groups and the server sign beside the base policy", () => {
  let place: GatePlace;
  let path: string;
  let version = 1;
  const ran = async (parts: Parameters<GatePlace["enforce"]>[2]) => {
    await place.enforce(base, (version += 1), parts);
    return run(path);
  };
  beforeAll(async () => {
    place = await GatePlace.open({ policy: base });
    path = place.add("tool", { banned: true, owner: 1000 });
  });
  afterAll(() => place.close());

  test("denies what a group of the device's bans", async () => {
    expect(await run(path)).toBe(0);
    expect(await ran(theirs(json(finance)))).toBe("denied");
  });

  test("lets run what the server excepts this device from, and no other", async () => {
    const granted = new Date(Date.now() - 3_600_000).toISOString();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const exceptions = (device: string): Buffer =>
      json({ formatVersion: 1, exceptions: [{ ban: "finance/banned", device: sha256(device), granted, until }] });
    expect(await ran({ ...theirs(json(finance)), exceptions: exceptions("d") })).toBe(0);
    expect(await ran({ ...theirs(json(finance)), exceptions: exceptions("another") })).toBe("denied");
  });

  test("answers by the base policy where a group's cannot be used", async () => {
    await place.enforce(gatePolicy(), (version += 1), theirs(Buffer.from("{")));
    expect(await run(path)).toBe("denied");
    expect(await ran(theirs(Buffer.of()))).toBe(0);
  });
});
