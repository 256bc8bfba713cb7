import { expect, test } from "vitest";
import { warningsOf } from "#agent/health.ts";
import type { House } from "#agent/house.ts";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { leftOut } from "#policy/conflict.ts";
import type { Capabilities } from "#platform/capabilities.ts";
import { everything } from "../fakes/platform.ts";

const now = parseInstant("2026-07-20T12:00:00Z");
const server = "https://edict.example";

/** An agent with which nothing is wrong, as far as health looks at it. */
const well = {
  config: { enforcement: "policy", server },
  clock: { now: () => now },
  missing: [],
  policies: {
    current: () => ({
      version: 3,
      findings: [],
      conflicts: [],
      grouping: { ignored: [] },
      matcher: { policy: { bans: [{}], disabled: [], ignored: [] } },
    }),
  },
  trust: {
    status: () => ({ state: "fresh", rejected: undefined, lastError: undefined, floor: instantOf(0), problems: [] }),
  },
  device: { current: () => ({ breakers: new Set() }) },
  reporting: { enrolledAt: server, failing: undefined },
  outbox: { status: () => ({ dropped: { match: 0, health: 0, inventory: 0 }, trouble: undefined }) },
  recorder: { trouble: undefined },
  state: { trouble: undefined },
  journal: { trouble: undefined },
  platform: { capabilities: everything },
  watching: {
    health: () => ({
      error: undefined,
      lastSweep: { unreadable: 0 },
      sweepSeconds: 7,
      installed: {},
      execs: { told: 9, vanished: 1, lost: 0, broken: undefined },
      lost: 0,
    }),
  },
  enforcement: { lost: 0 },
  unjudged: { count: 0, why: undefined },
  gate: { state: () => ({ up: true }), answering: { version: 3, behind: undefined }, leftOut: [] },
};

type Well = typeof well;
const house = (change: object): House => ({ ...well, ...change }) as unknown as House;
const policies = (change: object) => ({ policies: { current: () => ({ ...well.policies.current(), ...change }) } });
const trust = (change: object) => ({ trust: { status: () => ({ ...well.trust.status(), ...change }) } });
const watching = (change: object) => ({ watching: { health: () => ({ ...well.watching.health(), ...change }) } });
const can = (change: Partial<Capabilities>) => ({ platform: { capabilities: { ...everything, ...change } } });
const parts = (policy: object): object =>
  policies({ matcher: { policy: { ...well.policies.current().matcher.policy, ...policy } } });
const part = { path: "bans[1]", why: "a mode nobody knows" };

const causes: readonly (readonly [code: string, change: { readonly [P in keyof Well]?: object }, says: string])[] = [
  ["no-policy", { ...policies({ version: 0 }), ...trust({ lastError: { message: "no way there" } }) }, "no way there"],
  ["policy-refused", trust({ rejected: { version: 4, why: "two bans of one id" } }), "version 4: two bans of one id"],
  ["stale", trust({ state: "stale", lastError: { message: "timeout" } }), "timeout"],
  ["very-stale", trust({ state: "very-stale" }), "a week"],
  ["observing", { config: { ...well.config, enforcement: "observe" } }, "nothing is stopped"],
  ["not-enrolled", { reporting: { enrolledAt: undefined } }, "edict enroll"],
  ["not-enrolled", { reporting: { enrolledAt: "https://old.example" } }, "edict enroll"],
  ["reports-failing", { reporting: { enrolledAt: server, failing: "status 500" } }, "status 500"],
  ["missing-file", { missing: ["ca: ENOENT"] }, "ca: ENOENT"],
  ["clock-wrong", trust({ floor: instantOf(now + 25 * 3_600_000) }), "2026-07-21T13:00:00Z"],
  ["newer-policy", parts({ disabled: [part] }), "1, such as bans[1]: a mode nobody knows"],
  ["newer-policy", parts({ ignored: [part, part] }), "2, such as"],
  ["newer-policy", policies({ grouping: { ignored: [part] } }), "1, such as bans[1]"],
  [
    "part-refused",
    policies({ conflicts: [leftOut("group finance", "no JSON")] }),
    "the policy of the group finance is left out: no JSON",
  ],
  [
    "not-counted",
    policies({
      conflicts: ["x", "y", "z"].map((id) => ({ part: "exceptions", what: "exception", id, why: "does not count" })),
    }),
    "3, such as an exception from the ban x of the server's list of exceptions does not count",
  ],
  ["trust-trouble", trust({ problems: ["active-1 cannot be used"] }), "active-1 cannot be used"],
  ["watching-fails", watching({ error: "EMFILE" }), "EMFILE"],
  ["watching-fails", watching({ installed: { error: "EIO" } }), "EIO"],
  ["watching-fails", { unjudged: { count: 2, why: "a fault" } }, "2 not judged, the last: a fault"],
  ["overwhelmed", watching({ lost: 5 }), "5 so far"],
  ["overwhelmed", { enforcement: { lost: 7 } }, "7 so far"],
  ["state-trouble", { state: { trouble: "ENOSPC" } }, "ENOSPC"],
  ["state-trouble", { journal: { trouble: "EROFS" } }, "EROFS"],
  ["spool-trouble", { recorder: { trouble: "too long" } }, "too long"],
  ["spool-trouble", { outbox: { status: () => ({ ...well.outbox.status(), trouble: "ENOSPC" }) } }, "ENOSPC"],
  ["reports-dropped", { outbox: { status: () => ({ dropped: { match: 1, health: 2, inventory: 3 } }) } }, "6 so far"],
  ["breaker-open", { device: { current: () => ({ breakers: new Set(["parrot"]) }) } }, "parrot"],
  ["hurts", policies({ findings: [{ text: "it bans /bin/sh" }] }), "it bans /bin/sh"],
  ["unreadable", watching({ lastSweep: { unreadable: 2, why: "EACCES" } }), "2 processes, EACCES"],
  ["unreadable", watching({ installed: { scanned: { unreadable: 3 } } }), "3 files"],
  [
    "line-down",
    can({ gate: { up: false, why: "not root" } }),
    "a banned program runs until the exec stream sees it, some milliseconds: not root",
  ],
  ["line-down", { gate: { ...well.gate, state: () => ({ up: false, why: "it died" }) } }, "some milliseconds: it died"],
  [
    "line-down",
    can({ stream: { up: false, why: "a container" } }),
    "a program in memory, runs until a sweep sees it, up to 7 s",
  ],
  ["line-down", watching({ execs: { lost: 0, broken: "recvfrom: EIO" } }), "up to 7 s: recvfrom: EIO"],
  [
    "gate-behind",
    { gate: { ...well.gate, answering: { version: 2, behind: "it was not ready in time" } } },
    "version 2: it was not ready in time",
  ],
  ["gate-left-out", { gate: { ...well.gate, leftOut: ["/mnt/slow"] } }, "(/mnt/slow)"],
  ["starts-lost", watching({ execs: { lost: 3, broken: undefined } }), "3 times so far"],
  ["limited", can({ stop: { up: false, why: "no pidfd" } }), "it goes on running: no pidfd"],
];

test("an agent with which nothing is wrong warns of nothing", () => {
  expect(warningsOf(house({}))).toEqual([]);
});

test.for(causes)(
  "%s is said where its cause is, with what is particular, and nothing else is",
  ([code, change, says]) => {
    expect(warningsOf(house(change))).toEqual([
      {
        code,
        title: expect.stringMatching(/\w/) as string,
        severity: expect.stringMatching(/^(info|warning|error)$/) as string,
        text: expect.stringContaining(says) as string,
      },
    ]);
  },
);

test("where nothing is banned, no line of defence is missed", () => {
  expect(
    warningsOf(
      house({ ...parts({ bans: [] }), gate: { ...well.gate, state: () => ({ up: false, why: "nothing banned" }) } }),
    ),
  ).toEqual([]);
});

test("a device without a server is not told to enrol", () => {
  expect(
    warningsOf(house({ config: { ...well.config, server: undefined }, reporting: { enrolledAt: undefined } })),
  ).toEqual([]);
});
