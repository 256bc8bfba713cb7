import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plan } from "#enforce/plan.ts";
import type { Capabilities } from "#platform/capabilities.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Step } from "#policy/outcome.ts";
import { modes } from "#policy/verdict.ts";
import { everything } from "../fakes/platform.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

const id = { pid: 7, start: 700, dev: "8:1", ino: "7" };
const record: Step = { do: "record" };
const tell: Step = { do: "tell" };
const now: Step = { do: "stop", process: id, grace: 0 };
const later: Step = { do: "stop", process: id, grace: 600_000 };
const away: Step = {
  do: "quarantine",
  file: { path: "/home/ann/.local/bin/claude", dev: "8:1", ino: "7", size: 1, nlink: 1, owner: 1000 },
};

describe("a mode asks for", () => {
  test.each([
    ["allow", [], [], [], []],
    ["observe", [record], [record], [record], [record]],
    ["notify", [tell], [tell], [record], [record]],
    ["warn", [now], [later], [record], [record]],
    ["block", [now], [later], [tell], [record]],
    ["remove", [now], [later], [away], [away]],
  ] as const)("%s", (mode, exec, running, installed, file) => {
    const steps = (kind: Evidence["kind"]): readonly Step[] => plan(verdictOf({ mode }), evidenceOf(kind), everything);
    expect(steps("exec")).toEqual(exec);
    expect(steps("process")).toEqual(running);
    expect(steps("installed")).toEqual(installed);
    expect(steps("file")).toEqual(file);
  });
});

test("a program that started before its stage began has the ban's grace, however it was seen", () => {
  const { process } = evidenceOf("process");
  expect(plan(verdictOf(), evidenceOf("exec", { process }), everything)).toEqual([later]);
});

test("what cannot be done here is asked of the person, with the reason", () => {
  const can: Capabilities = {
    ...everything,
    stop: { up: false, why: "not root" },
    quarantine: { up: false, why: "no openat2" },
  };
  expect(plan(verdictOf(), evidenceOf("exec"), can)).toEqual([{ do: "tell", unable: "not root" }]);
  expect(plan(verdictOf({ mode: "remove" }), evidenceOf("installed"), can)).toEqual([
    { do: "tell", unable: "no openat2" },
  ]);
});

test("a process whose program was not read is not signalled", () => {
  const evidence = evidenceOf("exec", { file: { path: "/home/ann/x" } });
  expect(plan(verdictOf(), evidence, everything)).toEqual([
    { do: "tell", unable: "which process it is could not be read" },
  ]);
});

test("the use of an exception is recorded", () => {
  const verdict = verdictOf({ mode: "allow", exception: { until: "2026-08-01T00:00:00Z" } });
  expect(plan(verdict, evidenceOf(), everything)).toEqual([record]);
});

test("nothing is stopped or moved without a proof and a mode that says so", () => {
  const capability = fc.oneof(
    fc.constant({ up: true as const }),
    fc.record({ up: fc.constant(false as const), why: fc.string() }),
  );
  const capabilities = fc.record({
    seeEveryone: capability,
    stop: capability,
    quarantine: capability,
    terminal: capability,
    session: capability,
    gate: capability,
    stream: capability,
  });
  const kinds = ["exec", "process", "installed", "file"] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...modes),
      fc.constantFrom("proof" as const, "hint" as const, null),
      fc.option(fc.string()),
      fc.constantFrom(...kinds),
      fc.option(fc.string()),
      fc.option(fc.string()),
      capabilities,
      (mode, grade, ban, kind, since, startedAt, can) => {
        const evidence = evidenceOf(kind);
        const process = evidence.process && { ...evidence.process, startedAt: startedAt ?? undefined };
        const steps = plan(verdictOf({ mode, grade, ban, since }), { ...evidence, process }, can);
        const acts = steps.filter((s) => s.do === "stop" || s.do === "quarantine");
        const strict = ["warn", "block", "remove"].includes(mode) && grade === "proof" && ban !== null;
        expect(mode === "allow" ? steps : []).toEqual([]);
        expect(strict ? [] : acts).toEqual([]);
        expect(can.stop.up || steps.every((s) => s.do !== "stop")).toBe(true);
        expect(steps.length).toBeLessThanOrEqual(1);
      },
    ),
  );
});
