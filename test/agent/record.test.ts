import { expect, test } from "vitest";
import { Recorder } from "#agent/record.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

/** What reaches the log, the journal and the server of one denial. */
function recorded(ban: string | null): { readonly said: string; readonly sent: number } {
  const said: unknown[] = [];
  let sent = 0;
  const recorder = new Recorder({
    outbox: { put: () => Promise.resolve(String((sent += 1))) },
    journal: { add: () => undefined, told: () => undefined },
    about: { id: "d", os: "linux" },
    clock: systemClock,
    log: { ...quiet, info: (text, fields) => void said.push(text, fields) },
  });
  const verdict = verdictOf({ ban, tool: null });
  recorder.outcome({ id: "1", at: "2026-07-10T00:00:00Z", did: "denied", verdict, evidence: evidenceOf() });
  return { said: JSON.stringify(said), sent };
}

test("a match is logged with its path and sent; what nobody banned, and a machine that fails closed denied, is neither", () => {
  const path = evidenceOf().file?.path ?? "";
  expect(recorded("claude-code")).toEqual({ said: expect.stringContaining(path) as string, sent: 1 });
  expect(recorded(null)).toEqual({ said: expect.not.stringContaining(path) as string, sent: 0 });
});
