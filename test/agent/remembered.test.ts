import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ThisDevice } from "#agent/device.ts";
import { Journal } from "#agent/journal.ts";
import { openState, type State } from "#agent/state.ts";
import type { Log } from "#lib/log.ts";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { seenSchema, type Evidence } from "#policy/evidence.ts";
import { parsePolicy } from "#policy/parse.ts";
import type { Entry } from "#protocol/status.ts";
import { FakePlatform } from "../fakes/platform.ts";
import { temporaryFolder } from "../lib/temporary.ts";

const now = parseInstant("2026-07-20T12:00:00Z");

function logged(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say = (text: string, fields?: object): void => void said.push(`${text} ${JSON.stringify(fields ?? {})}`);
  return { said, log: { debug: say, info: say, warn: say, error: say } };
}

function device(state: State): ThisDevice {
  const config = {
    sweepSeconds: 1,
    pollSeconds: 1,
    enforcement: "policy",
    failClosed: false,
    gate: "off",
    logLevel: "info",
    groups: ["finance"],
    state: "/nowhere",
    run: "/nowhere",
  } as const;
  return new ThisDevice({
    id: "d".repeat(64),
    platform: new FakePlatform(),
    config: { ...config, groups: ["finance"] },
    state,
    person: "",
    vital: [{ path: "/sbin/init", dev: "8:1", ino: "1" }],
  });
}

test("what was ever installed, acknowledged, switched off and activated outlives a restart", async () => {
  const dir = await temporaryFolder();
  const { log, said } = logged();
  const before = openState(dir, log);
  const one = device(before);
  one.policyChanged("seven");
  one.present(["owl", "owl"]);
  one.present(["owl", "parrot"]);
  one.acknowledge("ban-a", "ann", instantOf(now + 1000), now);
  one.setBreakers(new Set(["ban-b"]));
  before.write({ activated: { policy: "seven", at: "2026-07-10T00:00:00Z" } });
  expect(statSync(join(dir, "device.json")).mode & 0o777).toBe(0o600);

  const after = openState(dir, log);
  const two = device(after);
  expect(after.read().activated).toEqual({ policy: "seven", at: "2026-07-10T00:00:00Z" });
  two.policyChanged("seven");
  expect(two.current()).toMatchObject({
    groups: [],
    claimed: ["finance"],
    installed: new Set(["owl", "parrot"]),
    breakers: new Set(["ban-b"]),
    acknowledged: [{ ban: "ban-a", person: "ann", until: "2026-07-20T12:00:01Z" }],
    vital: new Set(["8:1:1"]),
  });
  two.policyChanged("eight");
  expect(two.current().breakers).toEqual(new Set()); // a new policy closes them
  expect(said).toEqual([]);
});

test("a warning that was answered is kept once a person and ban, and not after its time", async () => {
  const { log } = logged();
  const one = device(openState(await temporaryFolder(), log));
  one.acknowledge("a", "ann", instantOf(now + 1000), now);
  one.acknowledge("a", "ben", instantOf(now + 5000), now);
  one.acknowledge("a", "ann", instantOf(now + 9000), instantOf(now + 2000));
  expect(one.current().acknowledged.map(({ person, until }) => `${person} ${until}`)).toEqual([
    "ben 2026-07-20T12:00:05Z",
    "ann 2026-07-20T12:00:09Z",
  ]);
});

const brokenStates: readonly (readonly [why: string, text: string, kept: object])[] = [
  ["cut", '{"installed": ["ow', { installed: [] }],
  ["not an object", "[]", { installed: [] }],
  ["binary", "\0\u0001\u0002", { installed: [] }],
  ["of another shape", '{"installed": "owl", "reported": {"/a": "b"}}', { installed: [], reported: { "/a": "b" } }],
  [
    "with times that are none",
    '{"installed": ["owl"], "activated": {"version": 3, "at": "yesterday"}, "acknowledged": [{"ban":"a","person":"b","until":"never"}]}',
    { installed: ["owl"], acknowledged: [] },
  ],
];

test.for(brokenStates)(
  "a state file that is %s starts anew where it is broken, and only there",
  async ([, text, kept]) => {
    const dir = await temporaryFolder();
    writeFileSync(join(dir, "device.json"), text);
    const state = openState(dir, logged().log);
    expect(state.read()).toMatchObject(kept);
    expect(state.read().activated).toBeUndefined();
    expect(state.trouble).toBeUndefined();
    state.write({ installed: ["new"] });
    expect(openState(dir, logged().log).read()).toMatchObject({ ...kept, installed: ["new"] });
  },
);

test("a disk that refuses the state is said, and asked again at the next change", async () => {
  const dir = await temporaryFolder();
  const { log, said } = logged();
  mkdirSync(join(dir, "device.json"));
  const state = openState(dir, log);
  state.write({ installed: ["owl"] });
  expect(state.read().installed).toEqual(["owl"]);
  expect(state.trouble).toMatch(/EISDIR/);
  expect(said).not.toEqual([]);
  rmSync(join(dir, "device.json"), { recursive: true });
  state.write({ reported: {} });
  expect(state.trouble).toBeUndefined();
  expect(openState(dir, log).read().installed).toEqual(["owl"]);
});

function installed(id: string, version: string): Evidence {
  return {
    id: `e-${id}`,
    at: "2026-07-20T12:00:00Z",
    kind: "installed",
    file: { path: `/usr/lib/node_modules/${id}/package.json`, owner: 0 },
    seen: seenSchema.parse({ package: { value: [{ ecosystem: "npm", id, version }] } }),
  };
}

test("an installed tool of a ban is news once, again when it changes, and all the rest never", async () => {
  const dir = await temporaryFolder();
  const state = openState(dir, logged().log);
  const one = device(state);
  const policy = {
    name: "p",
    bans: [{ id: "parrot", tool: "parrot", stages: [{ from: "2026-07-01T00:00:00Z", mode: "block" }] }],
    tools: [{ id: "parrot", name: "Parrot", identities: [{ kind: "package", ecosystem: "npm", id: "parrot" }] }],
  };
  const matcher = compile(parsePolicy(Buffer.from(JSON.stringify(policy))), { formatVersion: 1, tools: [] });
  const isNews = (who: ThisDevice, evidence: Evidence): boolean =>
    who.isNews(evidence, decide(matcher, evidence, now, who.current()));
  expect(isNews(one, installed("parrot", "1"))).toBe(true);
  expect(isNews(one, installed("parrot", "1"))).toBe(false);
  const again = device(openState(dir, logged().log));
  expect(isNews(again, installed("parrot", "1"))).toBe(false);
  expect(isNews(again, installed("parrot", "2"))).toBe(true);
  const written = readFileSync(join(dir, "device.json"), "utf8");
  for (let i = 0; i < 50; i += 1) expect(isNews(again, installed(`innocent-${i}`, "1"))).toBe(false);
  expect(readFileSync(join(dir, "device.json"), "utf8")).toBe(written); // law 9: never a list of what people have
});

const entry = (n: number, uid: number | null = 1000): Entry => ({
  id: `id-${n}`,
  at: "2026-07-20T12:00:00Z",
  uid,
  did: "stopped",
  tool: "parrot",
  ban: "parrot",
  mode: "block",
  what: `/home/ann/${n}`,
  because: ["it is banned"],
});

function journal(file: string): { readonly it: Journal; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  return { it: new Journal(file, (error) => errors.push(error)), errors };
}

test("everybody reads their own records, root all, and how they were told comes later", async () => {
  const file = join(await temporaryFolder(), "journal");
  const { it } = journal(file);
  it.add(entry(1, 1000));
  it.add(entry(2, 1001));
  it.add(entry(3, null));
  it.told("id-1", { terminal: "written", toast: "not: no desktop" });
  it.told("unknown", { terminal: "written", toast: "shown" });
  const told = { ...entry(1), told: { terminal: "written", toast: "not: no desktop" } };
  for (const one of [it, journal(file).it]) {
    expect(one.of(1000)).toEqual([told]);
    expect(one.of(1001)).toEqual([entry(2, 1001)]);
    expect(one.of(4242)).toEqual([]);
    expect(one.of(0).map(({ id }) => id)).toEqual(["id-1", "id-2", "id-3"]);
  }
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a journal that a crash cut loses that entry, and none after it", async () => {
  const file = join(await temporaryFolder(), "journal");
  const { it } = journal(file);
  it.add(entry(1));
  it.add(entry(2));
  truncateSync(file, statSync(file).size - 9);
  const after = journal(file);
  expect(after.it.of(0)).toEqual([entry(1)]);
  after.it.add(entry(3));
  expect(journal(file).it.of(0)).toEqual([entry(1), entry(3)]);
  appendFileSync(file, 'null\n{"id": 7}\n\0\0\0\n');
  expect(journal(file).it.of(0)).toEqual([entry(1), entry(3)]);
});

test("a journal stays small, also over many restarts, and nobody pushes out another's records", async () => {
  const file = join(await temporaryFolder(), "journal");
  journal(file).it.add(entry(0, 7));
  for (let restart = 0, n = 1; restart < 18; restart += 1) {
    const { it } = journal(file);
    for (const end = n + 300; n < end; n += 1) {
      it.add(entry(n));
      it.told(`id-${n}`, { terminal: "written", toast: "shown" });
    }
    expect(it.of(0).length).toBeLessThanOrEqual(1000);
  }
  const lines = readFileSync(file, "utf8").split("\n").length - 1;
  expect(lines).toBeLessThanOrEqual(2000);
  const { it } = journal(file);
  expect(it.of(7)).toEqual([entry(0, 7)]);
  expect(it.of(1000).at(-1)).toMatchObject(entry(5400));
});

test("a journal that cannot be read or written is said, and kept in memory", async () => {
  const file = join(await temporaryFolder(), "journal");
  mkdirSync(file);
  const { it, errors } = journal(file);
  it.add(entry(1));
  expect(it.of(1000)).toEqual([entry(1)]);
  expect(it.trouble).toMatch(/EISDIR/);
  expect(errors.length).toBeGreaterThan(0);
  rmSync(file, { recursive: true });
  it.add(entry(2));
  expect(it.trouble).toBeUndefined();
  expect(journal(file).it.of(1000)).toEqual([entry(1), entry(2)]);
});
