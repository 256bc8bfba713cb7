import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, run, until } from "./place.ts";

/** Uids that no list of this machine has: a directory service may know them. */
const [dana, stranger] = [54_321, 54_322];
const exception = { ban: "banned", person: "dana", until: "2099-01-01T00:00:00Z", reason: "migration" };
const policy = Buffer.from(
  JSON.stringify({
    ...JSON.parse(gatePolicy({ exceptions: { max: "P36500D" } }).toString("utf8")),
    exceptions: [exception],
  }),
);
const refused = 126;

/** Not as a child of the agent, which is this process: nothing that those start waits for it. */
function start(path: string, uid: number): ReturnType<typeof run> {
  return run("/bin/sh", "-c", 'setpriv --reuid "$1" --clear-groups "$0"; exit $?', path, String(uid));
}

describe.skipIf(lacking("root"))("somebody whom only a directory service knows", () => {
  let place: GatePlace;
  const asked: number[] = [];
  beforeAll(async () => {
    place = await GatePlace.open({
      policy,
      hears: {
        person: ({ uid }) => {
          asked.push(uid);
          return Promise.resolve({ name: uid === dana ? "dana" : String(uid) });
        },
      },
    });
  });
  afterAll(() => place.close());

  test("is not denied what an exception is made of for them, and asked for once", async () => {
    const path = place.add("tool", { banned: true });
    expect([await start(path, dana), await start(path, dana)]).toEqual([0, 0]);
    expect(asked).toEqual([dana]);
    expect(await start(path, stranger)).toBe(refused);
    await until(() => place.denied.length > 0);
    expect(place.denied.map(({ process }) => process?.user)).toEqual([String(stranger)]);
  });

  test("is not asked for where nothing would be denied", async () => {
    const before = asked.length;
    expect(await start(place.add("innocent", { owner: stranger }), stranger + 1)).toBe(0);
    expect(asked).toHaveLength(before);
  });
});
