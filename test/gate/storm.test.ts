import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { deviceText } from "#observe/read-file.ts";
import { lacking } from "../needs.ts";
import { gatePolicy, GatePlace, marker, run, until, type PlaceOptions } from "./place.ts";
import { allPoised } from "./poised.ts";
import { fixed, queueLength, withSetting } from "./sysctl.ts";

async function open(options?: PlaceOptions): Promise<GatePlace> {
  const place = await GatePlace.open(options);
  onTestFinished(() => place.close());
  return place;
}

/** Starts programs in turn, `rounds` times or until the file `stop` is there: each line a name and what came of it (126: denied). */
const again = `stop="$1"; rounds="$2"; shift 2
i=0; while [ $i -lt $rounds ] && [ ! -e "$stop" ]; do
  for one in "$@"; do "$one"; echo "\${one##*/} $?"; done; i=$((i+1))
done 2>/dev/null`;

async function shell(stop: string, rounds: number, programs: readonly string[]): Promise<readonly string[]> {
  const child = spawn("/bin/sh", ["-c", again, "sh", stop, String(rounds), ...programs], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [said] = await Promise.all([child.stdout.setEncoding("utf8").toArray(), once(child, "exit")]);
  return said.join("").split("\n").slice(0, -1);
}

/** The resident memory of a process, in MiB. */
function memory(pid: number | undefined): number {
  const [, kilobytes = ""] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) / 1024;
}

describe.skipIf(lacking("root"))("in a storm of starts", () => {
  test("10,000 of them are each answered, and the gate does not grow", async () => {
    const place = await open();
    const programs = [place.add("banned", { banned: true, owner: 1000 }), place.add("innocent", { owner: 1000 })];
    const none = `${place.folder}/never`;
    const burst = async (rounds: number): Promise<readonly string[]> =>
      (await Promise.all(Array.from({ length: 16 }, () => shell(none, rounds, programs)))).flat();
    await burst(150); // its code is warm, and its heap has its size
    const { pid } = place.keeper.health;
    const [before, counts] = [memory(pid), await place.counts()];
    const said = await burst(313);
    expect(
      Object.fromEntries(
        Map.groupBy(said, (line) => line)
          .entries()
          .map(([line, all]) => [line, all.length]),
      ),
    ).toEqual({ "banned 126": 5008, "innocent 0": 5008 });
    const { asked, denied, late, waiting } = await place.counts();
    expect([asked - counts.asked, denied - counts.denied, late, waiting]).toEqual([10_016, 5_008, 0, 0]);
    expect([place.keeper.health.pid, place.keeper.health.fell]).toEqual([pid, 0]);
    expect(memory(pid) - before).toBeLessThan(40);
  });

  test("no answer is of a policy that is half there: each is the old one's or the new one's", async () => {
    const both = { kind: "marker", bytes: marker };
    const [first, second] = ["EDICT-TEST-ONLY-THE-FIRST", "EDICT-TEST-ONLY-THE-SECOND"];
    const policy = (own: string): Buffer => {
      const text = JSON.parse(gatePolicy().toString()) as { tools: object[] };
      text.tools = text.tools.map((tool) => ({ ...tool, identities: [both, { kind: "marker", bytes: own }] }));
      return Buffer.from(JSON.stringify(text));
    };
    const place = await open({ policy: policy(first) });
    const programs = ["always", "first", "second", "innocent"].map((name) => place.add(name, { owner: 1000 }));
    for (const [i, bytes] of [marker, first, second].entries()) writeFileSync(programs[i] ?? "", bytes, { flag: "a" });
    const stop = `${place.folder}/stop`;
    const storm = Promise.all([1, 2, 3, 4].map(() => shell(stop, 1e9, programs)));
    for (let turn = 2; turn <= 5; turn += 1) await place.enforce(policy(turn % 2 === 0 ? second : first), turn);
    writeFileSync(stop, "");
    const said = new Set((await storm).flat());
    expect([...said].toSorted()).toEqual([
      "always 126",
      "first 0",
      "first 126",
      "innocent 0",
      "second 0",
      "second 126",
    ]);
    expect(place.keeper.health.fell).toBe(0);
  });

  test.skipIf(fixed(queueLength))(
    "what waits at a gate that is stopped for a moment is not let go because there is much of it",
    async () => {
      const place = await withSetting(queueLength, "16", open);
      const banned = place.add("banned", { banned: true, owner: 1000 });
      // On a machine that is so busy that its time as a stopped gate is over before all wait, it is tried again.
      for (let tries = 0; ; tries += 1) {
        const { fell, pid } = place.keeper.health;
        const waiting = await allPoised(Array.from({ length: 48 }, () => banned));
        process.kill(pid ?? 0, "SIGSTOP");
        await Promise.all(waiting.map((one) => one.go()));
        process.kill(pid ?? 0, "SIGCONT");
        const ended = await Promise.all(waiting.map((one) => one.ended));
        await until(() => place.keeper.state().up);
        if (place.keeper.health.fell > fell && tries < 5) continue;
        expect([...new Set(ended.map(({ ran }) => ran))]).toEqual(["denied"]);
        expect(place.overflows).toBe(0);
        break;
      }
    },
  );
});

describe.skipIf(lacking("root"))("what the machine needs", () => {
  test("is not denied: a vital program, a ban whose breaker is open, and the emergency stop, as soon as they are so", async () => {
    const place = await open();
    const path = place.add("banned", { banned: true });
    const { dev, ino } = statSync(path, { bigint: true });
    const usual = place.device;
    const ran = async (change: object): Promise<unknown> => {
      place.device = { ...usual, ...change };
      place.keeper.changed();
      return run(path);
    };
    expect(await ran({})).toBe("denied");
    expect(await ran({ vital: new Set([`${deviceText(dev)}:${ino}`]) })).toBe(0);
    expect(await ran({})).toBe("denied");
    expect(await ran({ breakers: new Set(["banned"]) })).toBe(0);
    expect(await ran({ breakers: new Set(["another"]) })).toBe("denied");
    expect(await ran({ enforcement: "observe" })).toBe(0);
    expect(await ran({})).toBe("denied");
  });
});
