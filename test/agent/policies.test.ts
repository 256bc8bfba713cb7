import { expect, test } from "vitest";
import { Groups } from "#agent/groups.ts";
import { Policies } from "#agent/policies.ts";
import { openState, type State } from "#agent/state.ts";
import { quiet } from "#lib/log.ts";
import { formatInstant, instantOf, parseInstant } from "#lib/pure/instant.ts";
import { conflictText } from "#policy/conflict.ts";
import type { Generation } from "#trust/generation.ts";
import { sha256 } from "#trust/sha256.ts";
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

interface Options {
  readonly state?: State;
  readonly vital?: readonly string[];
  readonly labels?: readonly string[];
}

async function device(options: Options = {}) {
  const time = { now: noon, floor: instantOf(0) };
  const state = options.state ?? openState(await temporaryFolder(), quiet);
  const policies = new Policies({
    os: "linux",
    clock: { now: () => time.now },
    state,
    vital: options.vital ?? [],
    floor: () => time.floor,
    groups: new Groups("device-1", options.labels ?? []),
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
  await policies.activate(generation(1, policy("one", [ban("a")])));
  const before = policies.current();
  const answer = await policies.activate(bad);
  expect(answer).toEqual({ activated: false, why: expect.stringMatching(/\w/) as string });
  expect(policies.current()).toBe(before);
  expect(state.read().activated?.policy).toBe("1".repeat(64));
  expect(await policies.activate(generation(3, policy("three", [ban("c")])))).toMatchObject({ activated: true });
  expect(policies.current().version).toBe(3);
});

test("a policy from the future is enforced as far as it is understood, and what is not is said", async () => {
  const { policies } = await device();
  const future = policy("two", [
    ban("plain"),
    ban("new", { stages: [{ from: "2026-07-01T00:00:00Z", mode: "melt" }] }),
  ]);
  expect(await policies.activate(generation(1, { ...future, formatVersion: 2 }))).toMatchObject({ activated: true });
  const { matcher } = policies.current();
  expect(matcher.ban("plain")).toBeDefined();
  expect(matcher.ban("new")).toBeUndefined();
  expect(matcher.policy.disabled.map((one) => one.ban)).toEqual(["new"]);
  expect(await policies.activate(generation(2, future))).toMatchObject({ activated: false }); // format 1 has no such mode
});

test("the same version again changes nothing, not even what is compiled", async () => {
  const { policies, time } = await device();
  await policies.activate(generation(5, policy("five", [ban("a")])));
  const { matcher, activatedAt } = policies.current();
  time.now = instantOf(noon + hour);
  expect(await policies.activate(generation(5, "not even read"))).toMatchObject({ activated: true });
  expect(policies.current().matcher).toBe(matcher);
  expect(policies.current().activatedAt).toBe(activatedAt);
});

test("a policy is in force since it came to this device, whatever restarts since", async () => {
  const first = await device();
  await first.policies.activate(generation(5, policy("five", [ban("a")])));
  const again = await device({ state: first.state });
  again.time.now = instantOf(noon + 5 * hour);
  await again.policies.activate(generation(5, policy("five", [ban("a")])));
  expect(formatInstant(again.policies.current().activatedAt)).toBe("2026-07-20T12:00:00Z");
  await again.policies.activate(generation(6, policy("six", [ban("a")])));
  expect(formatInstant(again.policies.current().activatedAt)).toBe("2026-07-20T17:00:00Z");
});

test("an activation that a wrong clock wrote into the future counts from now", async () => {
  const first = await device();
  first.time.now = parseInstant("2100-01-01T00:00:00Z");
  await first.policies.activate(generation(5, policy("five", [ban("a")])));
  const again = await device({ state: first.state });
  await again.policies.activate(generation(5, policy("five", [ban("a")])));
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
  const answer = await policies.activate(generation(1, hurting));
  expect(answer).toMatchObject({ activated: true });
  expect(
    policies
      .current()
      .findings.map(({ text }) => text)
      .join("\n"),
  ).toContain("/opt/backup/agent");
});

const finance = (more: object = {}) => ({ name: "finance", bans: [ban("finance/a", more)] });
const member = (group: string, hash = sha256("device-1")) => ({ groups: { [group]: { devices: [hash] } } });
const granted = (until = "2026-08-01T00:00:00Z") => ({
  formatVersion: 1,
  exceptions: [{ ban: "a", device: sha256("device-1"), granted: "2026-07-20T00:00:00Z", until }],
});

const partOf = (value: unknown): Uint8Array | undefined => (value === undefined ? undefined : bytes(value));

/** The same base with other parts; what is not `bans` keeps the id of the policy. */
function withParts(parts: {
  readonly id: string;
  readonly bans?: string;
  readonly base?: object;
  readonly finance?: unknown;
  readonly exceptions?: unknown;
  readonly devices?: unknown;
}): Generation {
  const { id, bans = "bans", base = policy("one", [ban("a")]), ...rest } = parts;
  const theirs = partOf(rest.finance);
  return {
    ...generation(1, base),
    id,
    policyId: bans,
    groups: new Map(theirs === undefined ? [] : [["finance", theirs]]),
    exceptions: partOf(rest.exceptions),
    devices: partOf(rest.devices),
  };
}

function inForce(policies: Policies) {
  const { matcher, conflicts, grouping } = policies.current();
  const { groups, claimed } = grouping.whom;
  return { bans: matcher.policy.bans.map(({ id }) => id), said: conflicts.map(conflictText), groups, claimed };
}

test("a group's bans are in force beside the base's", async () => {
  const { policies } = await device({ labels: ["finance"] });
  await policies.activate(withParts({ id: "1", finance: finance() }));
  expect(inForce(policies)).toEqual({ bans: ["a", "finance/a"], said: [], groups: [], claimed: ["finance"] });
});

test.for([
  ["a group's policy", { finance: "{" }, "the policy of the group finance is left out: "],
  [
    "a group's policy that loosens",
    { finance: { ...finance(), allow: ["parrot"] } },
    "the policy of the group finance is left out: allow",
  ],
  ["the server's exceptions", { exceptions: "[]" }, "the server's list of exceptions is left out: "],
] as const)("%s that cannot be used holds up nothing else", async ([, parts, says]) => {
  const { policies } = await device();
  expect(await policies.activate(withParts({ id: "1", ...parts }))).toMatchObject({ activated: true });
  expect(inForce(policies)).toMatchObject({ bans: ["a"], said: [expect.stringContaining(says)] });
});

test("a list of who is in which group that cannot be used leaves what is in force, with its groups", async () => {
  const { policies } = await device();
  await policies.activate(withParts({ id: "1", finance: finance(), devices: member("finance") }));
  const before = policies.current();
  const answer = await policies.activate(
    withParts({ id: "2", devices: { groups: { finance: { devices: ["device-1"] } } } }),
  );
  expect(answer).toMatchObject({
    activated: false,
    why: expect.stringContaining("groups.finance.devices[0]") as string,
  });
  expect(policies.current()).toBe(before);
  expect(inForce(policies)).toMatchObject({ bans: ["a", "finance/a"], groups: ["finance"] });
});

test("an exception is no new policy: nobody has another grace, and it is in force at once", async () => {
  const { policies, time, state } = await device();
  await policies.activate(withParts({ id: "1" }));
  const { activatedAt } = policies.current();
  time.now = instantOf(noon + hour);
  await policies.activate(withParts({ id: "2", exceptions: granted() }));
  expect(policies.current().activatedAt).toBe(activatedAt);
  expect(policies.current().matcher.policy.exceptions).toHaveLength(1);
  expect(state.read().activated?.at).toBe("2026-07-20T12:00:00Z");
  await policies.activate(withParts({ id: "3", bans: "other bans", finance: finance() }));
  expect(policies.current().activatedAt).toBe(time.now);
});

test("an exception that lasts longer than its ban allows ends earlier, and that is said", async () => {
  const { policies } = await device();
  await policies.activate(withParts({ id: "1", exceptions: granted("2027-01-01T00:00:00Z") }));
  expect(inForce(policies).said).toEqual([expect.stringContaining("ends on 2026-08-19T00:00:00Z and not on 2027")]);
});

test("a group that nothing vouches for loosens nothing; one that the signers name does", async () => {
  const exceptions = [{ ban: "a", group: "finance", until: "2027-01-01T00:00:00Z" }];
  const base = policy("one", [ban("a", { reason: "r", owner: "o" })], { exceptions });
  const { policies } = await device({ labels: ["finance"] });
  await policies.activate(withParts({ id: "1", base }));
  expect(inForce(policies)).toMatchObject({
    groups: [],
    claimed: ["finance"],
    said: [expect.stringContaining("for the group finance does not count here")],
  });
  expect(policies.current().findings.map(({ code }) => code)).toEqual(["exception-unvouched"]);
  await policies.activate(withParts({ id: "2", base, devices: member("finance", "0".repeat(64)) }));
  expect(inForce(policies)).toMatchObject({ groups: [], claimed: ["finance"] });
  await policies.activate(withParts({ id: "3", base, devices: member("finance") }));
  expect(inForce(policies)).toMatchObject({ groups: ["finance"], claimed: [], said: [] });
  expect(policies.current().findings).toEqual([]);
});

test("the groups that a device follows are those of its own configuration and those that the signers put it in", () => {
  const groups = new Groups("device-1", ["sales", "Kiosk 7"]);
  expect(groups.shard).toBe(sha256("device-1").slice(0, 2));
  expect(groups.followed(undefined)).toEqual(["sales"]);
  expect(groups.followed(bytes(member("finance")))).toEqual(["finance", "sales"]);
  expect(groups.followed(bytes({ groups: { hr: { managed: ["Kiosk 7"] } } }))).toEqual(["hr", "sales"]);
  expect(groups.followed(bytes("{"))).toEqual(["sales"]); // what is in force stays: activation refuses such a list
  expect(() => groups.by(bytes("{"))).toThrow("line 1");
});
