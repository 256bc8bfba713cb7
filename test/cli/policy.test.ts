import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { run } from "#cli/main.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { sha256 } from "#trust/sha256.ts";

const root = resolve(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "edict-policy-"));
afterAll(() => rmSync(dir, { recursive: true }));
const now = instantOf(Date.parse("2026-07-11T00:00:00Z"));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function edict(argv: readonly string[], stdin: readonly (string | Uint8Array)[] = []): Promise<Ran> {
  let [out, err] = ["", ""];
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const part of stdin) yield await Promise.resolve(Buffer.from(part));
  }
  const code = await run(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: input(),
    clock: { now: () => now },
    env: {},
    cwd: root,
    isTerminal: false,
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const ban = "policies/examples/ban-claude-code.json";
const claude = (id: string): string =>
  JSON.stringify({
    id,
    kind: "exec",
    seen: { package: { value: [{ ecosystem: "npm", id: "@anthropic-ai/claude-code" }] } },
  });

test("lint is content with what we ship", async () => {
  expect(await edict(["policy", "lint", ban, "policies/examples/own-tool.json"])).toMatchObject({ code: 0, err: "" });
});

test("lint names file, path, line and reason, and ends with 2", async () => {
  const path = file(
    "bad.json",
    '{\n "name": "n",\n "bans": [\n  { "id": "x", "tool": "x", "stages": [], "scop": 1 } ] }',
  );
  const { code, err } = await edict(["policy", "lint", ban, path]);
  expect(code).toBe(2);
  expect(err).toContain(`${path}: bans[0].stages (line 4): expected at least 1 of them, found an empty list`);
  expect(err).toContain(`${path}: bans[0].scop (line 4): expected only known keys, found the key "scop"`);
});

test("lint on a file that is not there says which", async () => {
  const { code, err } = await edict(["policy", "lint", join(dir, "none.json")]);
  expect([code, err]).toEqual([2, expect.stringContaining("none.json: there is no such file")]);
});

test("lint's warnings have their line, and are no failure", async () => {
  const path = file(
    "warn.json",
    '{ "name": "n",\n "bans": [\n  { "id": "x",\n "tool": "unheard-of", "reason": "r",\n "owner": "o", "stages": [{ "from": "2026-07-10T00:00:00Z", "mode": "block" }] } ] }',
  );
  const { code, out } = await edict(["policy", "lint", "--json", path]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject([
    { file: path, bans: 1, errors: [], warnings: [{ code: "unknown-tool", path: "bans[0].tool", line: 4 }] },
  ]);
});

test("a new policy lints clean, and is never written over another", async () => {
  const path = join(dir, "new.json");
  expect((await edict(["policy", "new", path])).code).toBe(0);
  expect((await edict(["policy", "lint", path])).out).toBe(`${path}: a policy with 1 ban and 0 warnings\n`);
  const again = await edict(["policy", "new", path]);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("is there already")]);
  expect((await edict(["policy", "new"])).out).toBe(readFileSync(path, "utf8"));
});

test("cases: the tables that name the policy are run, and what differs is said", async () => {
  expect((await edict(["policy", "test", ban])).out).toContain("14 as expected, 0 not");
  const table = {
    policy: "unused.json",
    at: "2026-07-11T00:00:00Z",
    cases: [{ name: "wrong on purpose", evidence: JSON.parse(claude("e")), expect: { mode: "notify" } }],
  };
  const { code, out } = await edict(["policy", "test", ban, file("cases.json", JSON.stringify(table))]);
  expect(code).toBe(1);
  expect(out).toContain('mode: expected "notify", found "block"');
});

test("cases: without any table it is an error, no success", async () => {
  const path = join(dir, "new.json");
  expect(await edict(["policy", "test", path])).toMatchObject({
    code: 2,
    err: expect.stringContaining("no table of cases names"),
  });
});

test("diff tells what signing would change", async () => {
  const next = JSON.parse(readFileSync(join(root, ban), "utf8"));
  next.bans[0].stages.pop();
  const { code, out } = await edict(["policy", "diff", ban, file("next.json", JSON.stringify(next))]);
  expect(code).toBe(0);
  expect(out).toBe(
    "~ ban claude-code: stages [notify from 2026-07-03T00:00:00+08:00, block from 2026-07-10T00:00:00+08:00] → [notify from 2026-07-03T00:00:00+08:00]\n",
  );
});

test("decide gives a line for a line, names the lines that are none, and goes on", async () => {
  const lines = [
    claude("a").slice(0, 40),
    `${claude("a").slice(40)}\n`,
    "\n",
    "no json\n",
    '{"id":"b"}\r\n',
    claude("c"),
  ];
  const { code, out, err } = await edict(["policy", "decide", ban, "--evidence", "-", "--json"], lines);
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { evidence: ["a"], mode: "block", ban: "claude-code" },
    { evidence: ["c"], mode: "block" },
  ]);
  expect(code).toBe(1);
  expect(err).toContain("-: line 3: the document: expected null, found");
  expect(err).toContain("-: line 4: kind: expected");
});

test("decide at another moment, on another device", async () => {
  const evidence = file("evidence.ndjson", `${claude("a")}\n`);
  const device = file("device.json", '{ "enforcement": "observe" }');
  const early = await edict([
    "policy",
    "decide",
    ban,
    "--evidence",
    evidence,
    "--json",
    "--at",
    "2026-07-05T00:00:00Z",
  ]);
  expect(JSON.parse(early.out)).toMatchObject({ mode: "notify" });
  const stopped = await edict(["policy", "decide", ban, "--evidence", evidence, "--json", "--device", device]);
  expect(JSON.parse(stopped.out)).toMatchObject({ mode: "observe" });
  expect((await edict(["policy", "decide", ban, "--evidence", evidence, "--at", "tomorrow"])).err).toContain("offset");
});

test("decide refuses a line that never ends", async () => {
  const { code, err } = await edict(
    ["policy", "decide", ban, "--evidence", "-", "--json"],
    Array.from({ length: 40 }, () => "x".repeat(65_536)),
  );
  expect([code, err]).toEqual([1, expect.stringContaining("line 1: it has more than 1048576 bytes")]);
});

const finance = "policies/examples/groups/finance/policy.json";
const members = "policies/examples/groups/devices.json";
const device = (keys: object): string => file("device.json", JSON.stringify({ id: "device-1", ...keys }));
const modes = (out: string): readonly unknown[] =>
  out
    .trim()
    .split("\n")
    .map((line): unknown => Object(JSON.parse(line)))
    .map((verdict) => [Object(verdict).mode, Object(verdict).ban]);
const on = (at: string, ...more: readonly string[]) =>
  edict(["policy", "decide", ban, "--evidence", "-", "--at", at, "--json", ...more], [claude("e")]);

test("decide: with a group's policy, with what a server granted, and with who is in which group", async () => {
  const july6 = "2026-07-06T00:00:00Z";
  expect(modes((await on(july6)).out)).toEqual([["notify", "claude-code"]]);
  const groups = ["--group", `finance=${finance}`];
  expect(modes((await on(july6, ...groups)).out)).toEqual([["block", "finance/claude-code"]]);
  const grant = { ban: "claude-code", device: sha256("device-1"), granted: "2026-07-11T00:00:00Z" };
  const grants = (keys: object): string =>
    file("grants.json", JSON.stringify({ formatVersion: 1, exceptions: [{ ...grant, ...keys }] }));
  const july12 = "2026-07-12T00:00:00Z";
  const granted = await on(july12, "--device", device({}), "--exceptions", grants({ until: "2026-07-20T00:00:00Z" }));
  expect([modes(granted.out), granted.err]).toEqual([[["allow", "claude-code"]], ""]);
  const cut = await on(july12, "--device", device({}), "--exceptions", grants({ until: "2027-07-20T00:00:00Z" }));
  expect(cut.err).toContain("ends on 2026-08-10T00:00:00Z and not on 2027-07-20T00:00:00Z");
  const excepted = file(
    "excepted.json",
    JSON.stringify({
      ...JSON.parse(readFileSync(resolve(root, ban), "utf8")),
      exceptions: [{ ban: "claude-code", group: "finance", until: "2026-08-01T00:00:00Z" }],
    }),
  );
  const asks = async (...more: readonly string[]) => {
    const line = ["policy", "decide", excepted, "--evidence", "-", "--at", july12, "--json", ...more];
    return modes((await edict(line, [claude("e")])).out);
  };
  const claims = device({ id: "device-9", claimed: ["finance"] });
  expect(await asks("--device", claims)).toEqual([["block", "claude-code"]]);
  const labelled = device({ id: "device-9", claimed: ["Finance laptops"] });
  expect(await asks("--device", labelled, "--devices", members)).toEqual([["allow", "claude-code"]]);
  const pretends = device({ id: "device-9", groups: ["finance"] });
  expect(await asks("--device", pretends, "--devices", members)).toEqual([["block", "claude-code"]]);
  expect(await asks("--device", device({}), "--devices", members)).toEqual([["allow", "claude-code"]]);
});

test("lint and diff: a group's policy is held to what a group may say, beside the base", async () => {
  expect(await edict(["policy", "lint", "--group", "finance", "--base", ban, finance])).toMatchObject({
    code: 0,
    err: "",
  });
  expect((await edict(["policy", "lint", "--group", "sales", finance])).err).toContain(
    'bans[0].id (line 7): expected an id that begins with sales/, found "finance/cursor"',
  );
  const text = readFileSync(resolve(root, finance), "utf8");
  const loosening = file("loosening.json", text.replace('"tools": [', '"allow": ["cursor"],\n  "tools": ['));
  expect(await edict(["policy", "lint", "--group", "finance", loosening])).toMatchObject({
    code: 2,
    err: expect.stringContaining('found the key "allow"'),
  });
  const approved = file("approved.json", text.replace('"tool": "cursor"', '"tool": "qodercli"'));
  const linted = await edict(["policy", "lint", "--group", "finance", "--base", ban, approved]);
  expect(linted.code).toBe(0);
  expect(linted.out).toContain(
    "bans[0] (line 6): warning: finance/cursor is left out: the base policy approves qodercli, and what is approved goes first",
  );
  expect((await edict(["policy", "diff", "--group", "finance", finance, approved])).out).toBe(
    '~ ban finance/cursor: tool "cursor" → "qodercli"\n',
  );
  for (const line of [
    ["lint", "--base", ban, finance],
    ["lint", "--group", "The Boss", finance],
    ["decide", ban, "--evidence", "-", "--group", finance],
  ])
    expect(await edict(["policy", ...line])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--base|name|NAME=FILE/),
    });
});
