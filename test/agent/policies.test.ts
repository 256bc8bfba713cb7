import { expect, test } from "vitest";
import { Policies } from "#agent/policies.ts";
import { openState, type State } from "#agent/state.ts";
import { quiet } from "#lib/log.ts";
import { formatInstant, instantOf, parseInstant } from "#lib/pure/instant.ts";
import type { Generation } from "#trust/generation.ts";
import { generationOf } from "../fakes/generation.ts";
import { temporaryFolder } from "../lib/temporary.ts";

const hour = 3_600_000;
const noon = parseInstant("2026-07-20T12:00:00Z");
const ban = (id: string, more: object = {}) => ({
  id,
  tool: "parrot",
  stages: [{ from: "2026-07-01T00:00:00Z", mode: "block" }],
  ...more,
});
const tools = [{ id: "parrot", name: "Parrot", identities: [{ kind: "package", ecosystem: "npm", id: "parrot" }] }];
const policy = (name: string, bans: readonly object[], more: object = {}) => ({ name, tools, bans, ...more });

function bytes(value: unknown): Uint8Array {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

function generation(version: number, text: unknown, catalog: unknown = { formatVersion: 1, tools: [] }): Generation {
  return generationOf(version, bytes(text), bytes(catalog));
}

async function device(options: { readonly state?: State; readonly vital?: readonly string[] } = {}) {
  const time = { now: noon, floor: instantOf(0) };
  const state = options.state ?? openState(await temporaryFolder(), quiet);
  const policies = new Policies({
    os: "linux",
    clock: { now: () => time.now },
    state,
    vital: options.vital ?? [],
    floor: () => time.floor,
  });
  return { policies, time, state };
}

test("before the first policy nothing is banned", async () => {
  const { policies } = await device();
  expect(policies.current()).toMatchObject({ version: 0, findings: [] });
  expect(policies.current().activatedAt).toBeGreaterThan(parseInstant("9999-12-31T23:59:59Z")); // nothing started since
  expect(policies.current().matcher.policy.bans).toEqual([]);
});

const broken: readonly (readonly [what: string, generation: Generation])[] = [
  ["is no JSON", generation(2, "{")],
  ["has a key nobody knows", generation(2, policy("two", [ban("b")], { script: "rm -rf /" }))],
  ["bans nothing and does not say that it means it", generation(2, policy("two", []))],
  ["has two bans of one id", generation(2, policy("two", [ban("b"), ban("b")]))],
  ["comes with a broken catalog", generation(2, policy("two", [ban("b")]), "[]")],
  ["comes with a catalog of nothing", generation(2, policy("two", [ban("b")]), "")],
  ["is empty", generation(2, "")],
];

test.for(broken)("a policy that %s is refused with a reason, and the last good one stays", async ([, bad]) => {
  const { policies, state } = await device();
  policies.activate(generation(1, policy("one", [ban("a")])));
  const before = policies.current();
  const answer = policies.activate(bad);
  expect(answer).toEqual({ activated: false, why: expect.stringMatching(/\w/) as string });
  expect(policies.current()).toBe(before);
  expect(state.read().activated?.version).toBe(1);
  expect(policies.activate(generation(3, policy("three", [ban("c")])))).toMatchObject({ activated: true });
  expect(policies.current().version).toBe(3);
});

test("a policy from the future is enforced as far as it is understood, and what is not is said", async () => {
  const { policies } = await device();
  const future = policy("two", [
    ban("plain"),
    ban("new", { stages: [{ from: "2026-07-01T00:00:00Z", mode: "melt" }] }),
  ]);
  expect(policies.activate(generation(1, { ...future, formatVersion: 2 }))).toMatchObject({ activated: true });
  const { matcher } = policies.current();
  expect(matcher.ban("plain")).toBeDefined();
  expect(matcher.ban("new")).toBeUndefined();
  expect(matcher.policy.disabled.map((one) => one.ban)).toEqual(["new"]);
  expect(policies.activate(generation(2, future))).toMatchObject({ activated: false }); // format 1 has no such mode
});

test("the same version again changes nothing, not even what is compiled", async () => {
  const { policies, time } = await device();
  policies.activate(generation(5, policy("five", [ban("a")])));
  const { matcher, activatedAt } = policies.current();
  time.now = instantOf(noon + hour);
  expect(policies.activate(generation(5, "not even read"))).toMatchObject({ activated: true });
  expect(policies.current().matcher).toBe(matcher);
  expect(policies.current().activatedAt).toBe(activatedAt);
});

test("a policy is in force since it came to this device, whatever restarts since", async () => {
  const first = await device();
  first.policies.activate(generation(5, policy("five", [ban("a")])));
  const again = await device({ state: first.state });
  again.time.now = instantOf(noon + 5 * hour);
  again.policies.activate(generation(5, policy("five", [ban("a")])));
  expect(formatInstant(again.policies.current().activatedAt)).toBe("2026-07-20T12:00:00Z");
  again.policies.activate(generation(6, policy("six", [ban("a")])));
  expect(formatInstant(again.policies.current().activatedAt)).toBe("2026-07-20T17:00:00Z");
});

test("an activation that a wrong clock wrote into the future counts from now", async () => {
  const first = await device();
  first.time.now = parseInstant("2100-01-01T00:00:00Z");
  first.policies.activate(generation(5, policy("five", [ban("a")])));
  const again = await device({ state: first.state });
  again.policies.activate(generation(5, policy("five", [ban("a")])));
  expect(again.policies.current().activatedAt).toBe(noon);
});

test.for([
  ["a signature vouches for an earlier time", -hour, 0],
  ["the clock was set back by an hour", hour, hour],
  ["the clock was set back by a day", 24 * hour, 24 * hour],
  ["a signature is more than a day ahead", 24 * hour + 1, 0],
] as const)("stages are judged by the right time where %s", async ([, ahead, counted]) => {
  const { policies, time } = await device();
  time.floor = instantOf(noon + ahead);
  expect(policies.now() - noon).toBe(counted);
});

test("a policy that may hurt this machine is in force, and says so", async () => {
  const { policies } = await device({ vital: ["/opt/backup/agent"] });
  const hurting = policy("one", [ban("a", { tool: "bad" })], {
    tools: [{ id: "bad", name: "Bad", identities: [{ kind: "path", glob: "/opt/**" }] }],
  });
  const answer = policies.activate(generation(1, hurting));
  expect(answer).toMatchObject({ activated: true });
  expect(
    policies
      .current()
      .findings.map(({ text }) => text)
      .join("\n"),
  ).toContain("/opt/backup/agent");
});
