import { assert, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deed } from "#policy/outcome.ts";
import { ocsfEventSchema } from "#protocol/ocsf.ts";
import { reportLimits } from "#protocol/report.ts";
import { toEvent } from "#report/ocsf.ts";
import { faults, fixture, validator } from "./ocsf-schema.ts";
import { device, health, installed, inventory, outcome, running } from "./samples.ts";

const deeds = [
  ["recorded", "Observed", "Logged"],
  ["told", "Allowed", "Alert"],
  ["grace", "Allowed", "Delayed"],
  ["denied", "Denied", "Blocked"],
  ["stopped", "Denied", "Blocked"],
  ["gone", "Observed", "No Action"],
  ["spared", "Observed", "No Action"],
  ["quarantined", "Denied", "Quarantined"],
  ["restored", "Allowed", "Restored"],
  ["failed", "Allowed", "Error"],
] as const satisfies readonly (readonly [Deed, string, string])[];

describe("every event is valid against the OCSF schema", () => {
  test.each(deeds)("a program that was %s: action %s, disposition %s", (did, action, disposition) => {
    const event = toEvent(outcome(did), device);
    expect(event).toMatchObject({ class_uid: 1007, type_uid: 100_701, action, disposition });
    expect(event && faults(event)).toEqual([]);
    expect(ocsfEventSchema.parse(event)).toEqual(event);
  });

  test.each(deeds)("something installed that was %s: action %s, disposition %s", (did, action, disposition) => {
    const event = toEvent(outcome(did, installed), device);
    expect(event).toMatchObject({ class_uid: 5020, action, disposition, package: { version: "2.1.330" } });
    expect(event && faults(event)).toEqual([]);
    expect(ocsfEventSchema.parse(event)).toEqual(event);
  });

  test.each([
    health,
    { ...health, what: "started" as const, warnings: [] },
    inventory,
    { ...inventory, present: false },
  ])("the agent about itself and the policy's tools: $kind", (subject) => {
    const event = toEvent(subject, device);
    expect(faults(event)).toEqual([]);
    expect(ocsfEventSchema.parse(event)).toEqual(event);
  });

  test("a process of which next to nothing could be read", () => {
    const bare = { ...running, file: undefined, script: undefined, process: { pid: 1, start: 0 } };
    const event = toEvent(outcome("spared", bare), { id: device.id, os: "windows" });
    expect(event && faults(event)).toEqual([]);
  });

  test("whatever stands in a path, a name or an argument, within the bounds of one event", () => {
    const wild = string({ unit: "binary", maxLength: 9000 });
    assert(
      property(wild, wild, wild, (path, user, argument) => {
        const process = { pid: 7, start: 1, user, argv: [argument], tty: path, startedAt: argument };
        const event = toEvent(outcome("stopped", { ...running, file: { path }, process }), device);
        if (event === undefined) throw new Error("a ban was matched");
        expect(faults(event)).toEqual([]);
        expect(ocsfEventSchema.safeParse(event).success).toBe(true);
        expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(reportLimits.eventBytes);
      }),
      { numRuns: 100 },
    );
  });
});

test("an event says which ban, which tool, how sure, why, and what to use instead", () => {
  expect(toEvent(outcome("stopped", running, { ended: [77, 78] }), device)).toMatchObject({
    time: Date.parse("2026-07-10T00:00:01Z"),
    message: "Claude Code was stopped",
    confidence_id: 3,
    policy: { uid: "claude-code", name: "Claude Code", is_applied: true },
    device: { uid: device.id, hostname: "ann-laptop", groups: [{ name: "engineering" }] },
    actor: { user: { name: "ann", uid: "1000" }, process: { pid: 7 } },
    process: { pid: 77, path: "/usr/bin/node", file: { path: "/home/ann/.npm/claude-code/cli.js" } },
    metadata: { event_code: "stopped", correlation_uid: running.id },
    unmapped: {
      edict: {
        mode: "block",
        grade: "proof",
        replacement: { tool: "qoder", name: "Qoder", url: "https://qoder.example/download" },
        because: [{ rule: "identity", kind: "package" }, { rule: "stage" }],
        ended: [77, 78],
      },
    },
  });
});

test("nothing that was matched by no ban becomes an event", () => {
  const verdict = { ...outcome("recorded").verdict, mode: "allow" as const, ban: null };
  expect(toEvent(outcome("recorded", running, { verdict }), device)).toBeUndefined();
});

test("what a person typed after the program never leaves the machine", () => {
  const text = JSON.stringify(toEvent(outcome("stopped"), device));
  expect(text).toContain("claude /home/ann/.npm/claude-code/cli.js");
  expect(text).not.toContain("sk-secret");
  expect(text).not.toContain("salary");
});

test("the schema's own Application Lifecycle can be satisfied by nothing, which is why it is corrected here", () => {
  const asked = validator(fixture(), "class_application_lifecycle");
  const event = toEvent(health, device);
  expect(asked(event)).toBe(false);
  expect(asked({ ...event, name: "edict" })).toBe(false);
  expect(asked({ ...event, uid: "edict" })).toBe(false);
  expect(faults(event)).toEqual([]);
});
