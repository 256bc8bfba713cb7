import { copyFileSync, linkSync, renameSync, symlinkSync, writeFileSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, marker, run, until, type Ran } from "./place.ts";

/** capabilities(7): CAP_SYS_NICE, which containers often lack. */
const nice =
  (BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0}`) >> 23n) & 1n;
const lackingNice = nice === 0n;
if (lackingNice) console.warn("skipped: the gate's priority needs CAP_SYS_NICE");

describe.skipIf(lacking("root"))("the gate", () => {
  let place: GatePlace;
  beforeAll(async () => {
    place = await GatePlace.open();
  });
  afterAll(() => place.close());

  test("denies a banned program before it runs, and lets others run", async () => {
    const [banned, innocent] = [place.add("banned", { banned: true, owner: 1000 }), place.add("innocent")];
    expect([await run(banned), await run(innocent)]).toEqual(["denied", 0]);
  });

  test.each(["renamed", "copied", "linked", "symlink"])("denies it when it is %s", async (how) => {
    const first = place.add(`first-${how}`, { banned: true, owner: 1000 });
    const path = join(place.folder, how);
    const make = { renamed: renameSync, copied: copyFileSync, linked: linkSync, symlink: symlinkSync }[how];
    make?.(first, path);
    expect(await run(path)).toBe("denied");
  });

  test.skipIf(lackingNice)("goes before others, for they wait for it", () => {
    expect(getPriority(place.keeper.health.pid ?? 0)).toBe(-14);
  });

  test("says what was denied, to whom, and where", async () => {
    const path = place.add("said", { banned: true });
    await run(path);
    await until(() => place.denied.some(({ file }) => file?.path === path));
    const [evidence] = place.denied.filter(({ file }) => file?.path === path);
    expect(evidence).toMatchObject({
      kind: "exec",
      process: { uid: 0, user: "root" },
      seen: { marker: { value: [{ bytes: marker }] } },
    });
  });

  test("asks no more about root's own program, until it is written to", async () => {
    const path = place.add("settled");
    const asked = async (): Promise<number> => {
      const before = (await place.counts()).asked;
      for (let i = 0; i < 5; i += 1) expect(await run(path)).toBe(0);
      return (await place.counts()).asked - before;
    };
    expect(await asked()).toBe(1);
    expect(await asked()).toBe(0);
    writeFileSync(path, marker, { flag: "a" });
    expect(await run(path)).toBe("denied");
  });

  test("asks each time about a program that its user can change", async () => {
    const path = place.add("user", { owner: 1000 });
    expect([await run(path), await run(path)]).toEqual([0, 0]);
    writeFileSync(path, marker, { flag: "a" });
    expect(await run(path)).toBe("denied");
  });

  test("a new policy takes over without a moment that nobody answers", async () => {
    const path = place.add("over", { banned: true });
    const over = new AbortController();
    const storm = startedAgainAndAgain(path, over.signal);
    await place.enforce(gatePolicy({ reason: "another" }), 2);
    await place.enforce(gatePolicy(), 3);
    over.abort();
    expect([...(await storm)]).toEqual(["denied"]);
  });

  test("a ban that is withdrawn lets the program run", async () => {
    const path = place.add("withdrawn", { banned: true });
    await place.enforce(gatePolicy({ stages: [{ from: "2099-01-01T00:00:00Z", mode: "block" }] }), 4);
    expect(await run(path)).toBe(0);
    await place.enforce(gatePolicy(), 5);
    expect(await run(path)).toBe("denied");
  });
});

/** Everything that came of it. */
async function startedAgainAndAgain(path: string, signal: AbortSignal): Promise<ReadonlySet<Ran>> {
  const answers = new Set<Ran>();
  while (!signal.aborted) {
    answers.add(await run(path));
    await turn(); // a program that is denied takes no time at all
  }
  return answers;
}
