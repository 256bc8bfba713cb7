import { expect, test } from "vitest";
import { Recorder } from "#agent/record.ts";
import type { Outcome } from "#policy/outcome.ts";
import { Repeats } from "#agent/repeats.ts";
import type { Entry } from "#protocol/status.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { quiet } from "#lib/log.ts";
import { faults } from "../report/ocsf-schema.ts";
import { TestClock } from "../trust/repository.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

const uid = "0198f7a0-0000-7000-8000-000000000000";
const at = "2026-07-10T00:00:00Z";
const denial = (id: number, ban = "claude-code", change: Partial<Outcome> = {}): Outcome => ({
  id: String(id),
  at,
  did: "denied",
  verdict: verdictOf({ ban }),
  evidence: evidenceOf(),
  ...change,
});

test("twenty a minute of one ban and one person are told each by itself, the others together when the minute is over", () => {
  const clock = new TestClock(at);
  const repeats = new Repeats(clock);
  const alone = (from: number, many: number): number =>
    Array.from({ length: many }, (_, i) => repeats.isAlone(denial(from + i))).filter(Boolean).length;
  expect(alone(0, 19)).toBe(19);
  expect(repeats.due()).toEqual([]);
  clock.add(30_000);
  expect(alone(19, 101)).toBe(1);
  expect(repeats.isAlone(denial(999, "gemini"))).toBe(true);
  expect(repeats.isAlone(denial(998, "claude-code", { did: "stopped" }))).toBe(true);
  expect(repeats.due()).toEqual([]);
  clock.add(30_000);
  expect(repeats.due()).toEqual([{ last: denial(119), times: 100, since: Date.parse("2026-07-10T00:00:30Z") }]);
  expect(repeats.due()).toEqual([]);
  expect(alone(0, 25)).toBe(20);
});

test("nothing is held back by a clock that was set back, nor when the agent stops", () => {
  const clock = new TestClock(at);
  const repeats = new Repeats(clock);
  for (let i = 0; i < 22; i += 1) repeats.isAlone(denial(i));
  clock.add(-86_400_000);
  expect(repeats.due().map(({ times }) => times)).toEqual([2]);
  for (let i = 0; i < 21; i += 1) repeats.isAlone(denial(i));
  expect(repeats.due(true).map(({ times }) => times)).toEqual([1]);
});

test("what was counted is on its way to the server and in the person's own list when the agent stops, as valid OCSF", async () => {
  const entries: Entry[] = [];
  const events: OcsfEvent[] = [];
  const recorder = new Recorder({
    outbox: { put: (event) => Promise.resolve(String(events.push(event))) },
    journal: { add: (entry) => void entries.push(entry), told: () => undefined },
    about: { id: "d", os: "linux" },
    clock: new TestClock(at),
    log: quiet,
  });
  for (let i = 0; i < 50; i += 1) recorder.outcome(denial(i));
  expect([entries.length, events.length]).toEqual([20, 20]);
  await recorder.run(AbortSignal.abort());
  expect([entries.length, events.length]).toEqual([21, 21]);
  expect(entries.at(-1)).toMatchObject({ id: "49", times: 30, since: at });
  expect(events.at(-1)).toMatchObject({ count: 30, start_time: Date.parse(at), end_time: Date.parse(at) });
  expect(events.flatMap((event) => faults({ ...event, metadata: { ...event.metadata, uid } }))).toEqual([]);
});
