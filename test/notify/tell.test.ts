import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { createTeller, type Teller } from "#notify/tell.ts";
import type { GraphicalSession } from "#platform/platform.ts";
import type { Outcome } from "#policy/outcome.ts";
import { toastSchema } from "#protocol/session.ts";
import { FakePlatform, type FakeHelper } from "../fakes/platform.ts";
import { evidenceOf, notice, verdictOf } from "../verdicts.ts";

const login = (name: string, uid: number, language = "en"): GraphicalSession => ({
  person: { name, uid, gid: uid, home: `/home/${name}` },
  runtimeDir: `/run/user/${uid}`,
  bus: `unix:path=/run/user/${uid}/bus`,
  language,
  display: {},
});

let folder: string;
let now: number;
let platform: FakePlatform;
let made: Teller[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edict-tell-"));
  now = parseInstant("2026-07-10T09:00:00Z");
  platform = new FakePlatform();
  platform.logins = [login("ann", 1000), login("bob", 1001, "zh-CN")];
  made = [];
});
afterEach(async () => {
  for (const teller of made) await teller.close();
  rmSync(folder, { recursive: true });
});

function tellerOf(): Teller {
  const teller = createTeller({
    platform,
    clock: { now: () => instantOf(now) },
    stateFile: join(folder, "toasts.json"),
    timeZone: "Asia/Shanghai",
    times: { patience: 2_000, firstMs: 1, maxMs: 5 },
  });
  made.push(teller);
  return teller;
}

let serial = 0;
function stopped(over: Partial<Outcome> = {}): Outcome {
  serial += 1;
  return {
    id: `o${serial}`,
    at: "2026-07-10T09:00:00Z",
    verdict: verdictOf(),
    evidence: evidenceOf(),
    did: "stopped",
    ...over,
  };
}

/** Every session process that is started draws whatever it is told to. */
function draw(helper: FakeHelper): void {
  helper.onSend = (line) => helper.say({ type: "shown", id: toastSchema.parse(JSON.parse(line)).id });
}
/** What each session process that is started is to do; `nth` counts from 1. */
function helpers(each: (helper: FakeHelper, nth: number) => void): void {
  const start = platform.startSession.bind(platform);
  platform.startSession = (session) => {
    const helper = start(session);
    each(helper, platform.helpers.length);
    return helper;
  };
}
const drawing = (): void => helpers(draw);

test("a person reads it in the terminal and on the desktop, nobody else does", async () => {
  drawing();
  expect(await tellerOf().tell(stopped())).toEqual({ terminal: "written", toast: "shown" });
  expect(platform.terminal.map(({ tty }) => tty)).toEqual(["/dev/pts/3"]);
  expect(platform.terminal[0]?.text).toContain("Claude Code was stopped.");
  expect(platform.helpers.map(({ session }) => session.person.name)).toEqual(["ann"]);
});

test("each reads their own language: the terminal's there, the desktop's here", async () => {
  drawing();
  const { process } = evidenceOf();
  platform.language = "en-GB";
  await tellerOf().tell(
    stopped({ evidence: evidenceOf("exec", { process: process && { ...process, uid: 1001, user: "bob" } }) }),
  );
  expect(platform.terminal[0]?.text).toContain("was stopped");
  expect(platform.helpers[0]?.sent[0]).toContain("已被停止");
});

test("one session process a login is started at the first toast and kept", async () => {
  drawing();
  const teller = tellerOf();
  expect(platform.helpers).toHaveLength(0);
  for (let i = 0; i < 3; i += 1) await teller.tell(stopped());
  expect(platform.helpers).toHaveLength(1);
});

test("toasts stop at notifyPerDay, denials in the terminal do not, and tomorrow is another day", async () => {
  drawing();
  const teller = tellerOf();
  const told = [];
  for (let i = 0; i < 5; i += 1) {
    told.push(await teller.tell(stopped()));
    now += 60_000;
  }
  expect(told.map(({ toast }) => toast === "shown")).toEqual([true, true, true, false, false]);
  expect(told.map(({ terminal }) => terminal)).toEqual(Array.from({ length: 5 }, () => "written"));
  now = parseInstant("2026-07-10T15:59:59Z"); // 23:59:59 there
  expect((await teller.tell(stopped())).toast).not.toBe("shown");
  now = parseInstant("2026-07-10T16:00:00Z");
  expect((await teller.tell(stopped())).toast).toBe("shown");
});

test("another ban has its own count", async () => {
  drawing();
  const teller = tellerOf();
  for (let i = 0; i < 4; i += 1) await teller.tell(stopped());
  expect((await teller.tell(stopped({ verdict: verdictOf({ ban: "cursor" }) }))).toast).toBe("shown");
});

test("the count survives a restart, and a broken file is no harm", async () => {
  drawing();
  const first = tellerOf();
  for (let i = 0; i < 3; i += 1) await first.tell(stopped());
  await first.close();
  expect(JSON.parse(readFileSync(join(folder, "toasts.json"), "utf8"))).toEqual({
    day: "2026-07-10",
    shown: [{ person: "ann", ban: "claude-code", times: 3 }],
  });
  expect((await tellerOf().tell(stopped())).toast).not.toBe("shown");
  writeFileSync(join(folder, "toasts.json"), '{"day":7');
  expect((await tellerOf().tell(stopped())).toast).toBe("shown");
});

test("who may lose work is told, however often they were told before", async () => {
  drawing();
  const teller = tellerOf();
  for (let i = 0; i < 4; i += 1) await teller.tell(stopped());
  expect((await teller.tell(stopped({ did: "grace", until: "2026-07-10T09:10:00Z" }))).toast).toBe("shown");
});

test("a tool that starts itself again and again writes one block", async () => {
  const teller = tellerOf();
  platform.logins = [];
  const said = [];
  for (let i = 0; i < 5; i += 1) {
    said.push((await teller.tell(stopped())).terminal);
    now += 900;
  }
  expect(said.filter((t) => t === "written")).toHaveLength(1);
  now += 10_000;
  expect((await teller.tell(stopped())).terminal).toBe("written");
});

test("who has neither terminal nor desktop is not told, and it says why", async () => {
  platform.logins = [];
  const { process } = evidenceOf();
  const told = await tellerOf().tell(
    stopped({ evidence: evidenceOf("exec", { process: process && { ...process, tty: null } }) }),
  );
  expect(told).toEqual({
    terminal: { not: "it has no terminal" },
    toast: { not: "this person is not logged in at a desktop" },
  });
});

test("what belongs to a person is told to that person, what is root's to nobody", async () => {
  drawing();
  const teller = tellerOf();
  const quarantined = stopped({ did: "quarantined", quarantine: "q1", evidence: evidenceOf("installed") });
  expect((await teller.tell(quarantined)).toast).toBe("shown");
  const roots = evidenceOf("installed", { file: { path: "/opt/x", owner: 0 } });
  expect((await teller.tell({ ...quarantined, evidence: roots })).toast).not.toBe("shown");
});

test("a session process that dies is started again, and the toast is not lost", async () => {
  helpers((helper, nth) => {
    if (nth < 4) helper.onSend = () => helper.die();
    else draw(helper);
  });
  expect((await tellerOf().tell(stopped())).toast).toBe("shown");
  expect(platform.helpers).toHaveLength(4);
});

test("a desktop that cannot draw says why, and the toast is not counted", async () => {
  helpers((helper) => {
    helper.onSend = (line) =>
      helper.say({ type: "failed", id: toastSchema.parse(JSON.parse(line)).id, why: "no server" });
  });
  const teller = tellerOf();
  for (let i = 0; i < 5; i += 1) expect((await teller.tell(stopped())).toast).toEqual({ not: "no server" });
});

test("a session process that cannot be started is no reason to fail", async () => {
  platform.startSession = () => {
    throw new Error("no more processes");
  };
  expect((await tellerOf().tell(stopped())).toast).toEqual({ not: "no more processes" });
});

test("a pressed button comes back once, with whom and for which ban; lies of a session process do not", async () => {
  drawing();
  const teller = tellerOf();
  const stop = new AbortController();
  const first = stopped();
  await teller.tell(first);
  const bob = evidenceOf("exec", { process: { pid: 9, start: 1, uid: 1001, user: "bob", tty: null } });
  const bobs = stopped({ evidence: bob, verdict: verdictOf({ notice: { ...notice, notifyPerDay: 9 } }) });
  await teller.tell(bobs);
  const [ann] = platform.helpers;
  ann?.say({ type: "pressed", id: bobs.id, key: "continue" }); // not Ann's
  ann?.say({ type: "pressed", id: "o-unknown", key: "why" });
  ann?.say({ type: "nonsense" });
  ann?.say({ type: "pressed", id: first.id, key: "request" });
  ann?.say({ type: "pressed", id: first.id, key: "request" });
  ann?.say({ type: "pressed", id: first.id, key: "why" });
  const pressed = [];
  for await (const press of teller.presses(stop.signal)) {
    pressed.push(press);
    if (pressed.length === 2) break;
  }
  expect(pressed).toEqual([
    { person: "ann", ban: "claude-code", key: "request" },
    { person: "ann", ban: "claude-code", key: "why" },
  ]);
});

test("who logs out leaves no session process behind", async () => {
  drawing();
  const teller = tellerOf();
  await teller.tell(stopped());
  platform.logins = [];
  now += 60_000;
  await teller.tell(stopped());
  await platform.helpers[0]?.ended;
  expect(platform.helpers).toHaveLength(1);
});
