import { expect, test } from "vitest";
import { instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { PublicKey, Role } from "#trust/metadata.ts";
import { noState, notBefore, raise, readState, standing, writeState, type Floor, type State } from "#trust/state.ts";
import { FileStore, MemoryStore } from "#trust/store.ts";
import { keysOf } from "#trust/trusted-set.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { day, hour } from "./repository.ts";
import { listed, type Listed } from "./simulator.ts";

// What a client remembers that nobody signed.

const at = parseInstant("2026-07-10T00:00:00Z");
const later = (ms: number): Instant => instantOf(at + ms);
const whole: State = {
  etag: { value: '"one"', of: "ab12" },
  floor: { issued: at, keys: ["first", "second"] },
  refreshed: later(hour),
};

/** What is read where this is stored. */
async function read(stored: unknown): Promise<State> {
  const store = new MemoryStore();
  await store.write("state", Buffer.from(typeof stored === "string" ? stored : JSON.stringify(stored)));
  return readState(store);
}

test.each<[what: string, state: State]>([
  ["everything", whole],
  ["nothing", noState],
  ["an ETag alone", { ...noState, etag: whole.etag }],
  ["a floor alone", { ...noState, floor: whole.floor }],
  ["a refresh alone", { ...noState, refreshed: whole.refreshed }],
])("a state with %s is read as it was written", async (_what, state) => {
  const store = new MemoryStore();
  expect(await readState(store)).toEqual(noState);
  await writeState(store, { ...noState, etag: { value: "another", of: "" } }, state);
  expect(await readState(store)).toEqual(state);
});

const stored = {
  etag: { value: '"one"', of: "ab12" },
  floor: { issued: "2026-07-10T00:00:00Z", keys: ["first", "second"] },
  refreshed: "2026-07-10T01:00:00Z",
};

test.each<[what: string, stored: unknown]>([
  ["no JSON", "{"],
  ["a list", []],
  ["an ETag that is a text", { ...stored, etag: '"one"' }],
  ["an ETag of no bytes", { ...stored, etag: { value: '"one"' } }],
  ["an empty ETag", { ...stored, etag: { ...stored.etag, value: "" } }],
  ["an ETag that is too long", { ...stored, etag: { ...stored.etag, value: "x".repeat(1025) } }],
  ["an ETag that begins with the end of a line", { ...stored, etag: { ...stored.etag, value: "\nx" } }],
  ["an ETag that ends with the end of a line", { ...stored, etag: { ...stored.etag, value: "x\n" } }],
  ["an ETag with a letter that no header has", { ...stored, etag: { ...stored.etag, value: "\u4e00" } }],
  ["a floor that is a number", { ...stored, floor: 7 }],
  ["a floor that is no time", { ...stored, floor: { ...stored.floor, issued: "soon" } }],
  ["a floor of no keys", { ...stored, floor: { issued: stored.floor.issued } }],
  ["a refresh that is no time", { ...stored, refreshed: "yesterday" }],
  ["a refresh that is a number", { ...stored, refreshed: 7 }],
])("a state with %s is an empty one", async (_what, damaged) => {
  expect(await read(stored)).toEqual(whole);
  expect(await read(damaged)).toBe(noState);
});

test("what a header may carry is an ETag: tabs, spaces, the letters of Latin-1, 1,024 of them", async () => {
  for (const value of ["\t", " ", "~", "\x80", "\xff", "x".repeat(1024)])
    expect((await read({ etag: { value, of: "ab12" } })).etag).toEqual({ value, of: "ab12" });
});

test("a state has its bound", async () => {
  const store = new FileStore(await temporaryFolder());
  await writeState(store, noState, whole);
  expect(await readState(store)).toEqual(whole);
  const text = JSON.stringify(stored);
  for (const [length, found] of [
    [64 * 1024, whole],
    [64 * 1024 + 1, noState],
  ] as const) {
    await store.write("state", Buffer.from(text.padEnd(length)));
    expect(await readState(store)).toEqual(found);
  }
});

test.each<[what: string, next: State, written: boolean]>([
  ["the same", whole, false],
  ["almost an hour later", { ...whole, refreshed: later(2 * hour - 1) }, false],
  ["an hour later", { ...whole, refreshed: later(2 * hour) }, true],
  ["almost an hour earlier, for the clock was set back", { ...whole, refreshed: later(1) }, false],
  ["an hour earlier, for the clock was set back", { ...whole, refreshed: at }, true],
  ["never", { ...whole, refreshed: undefined }, true],
  ["with another ETag", { ...whole, etag: { value: '"two"', of: "ab12" } }, true],
  ["with a later floor", { ...whole, floor: { issued: later(1000), keys: ["first", "second"] } }, true],
  ["with a floor of other keys", { ...whole, floor: { issued: at, keys: ["first"] } }, true],
])("a state that is %s: written %#", async (_what, next, written) => {
  const store = new MemoryStore();
  await writeState(store, whole, next);
  expect(await readState(store)).toEqual(written ? next : noState);
});

test("the first refresh is written", async () => {
  const store = new MemoryStore();
  await writeState(store, noState, { ...noState, refreshed: at });
  expect((await readState(store)).refreshed).toBe(at);
});

const floor: Floor = { issued: later(hour), keys: ["old"] };
const risen = (issued: Instant): Floor => ({ issued, keys: ["new"] });

test.each<[what: string, before: Floor | undefined, issued: Instant | undefined, after: Floor | undefined]>([
  ["no time, where there is none yet", undefined, undefined, undefined],
  ["no time", floor, undefined, floor],
  ["the first time", undefined, at, risen(at)],
  ["a later time", floor, later(hour + 1), risen(later(hour + 1))],
  ["the same time", floor, later(hour), floor],
  ["an earlier time", floor, at, floor],
  ["a time a day ahead", floor, later(day), risen(later(day))],
  ["a time more than a day ahead", floor, later(day + 1), floor],
  ["a time more than a day ahead, where there is none yet", undefined, later(day + 1), undefined],
])("%s that is signed: what the floor is then", (_what, before, issued, after) => {
  expect(raise(before, issued, new Set(["new"]), at)).toEqual(after);
});

const role = (...of: readonly Listed[]): Role => ({ keyids: of.map(({ keyid }) => keyid), threshold: 1 });

test("a floor stands while every key that signed it is the role's", () => {
  const [one, two, other] = [listed(), listed(), listed()];
  const keys = new Map<string, PublicKey>(
    [one, two, other].map(({ keyid, key }) => [
      keyid,
      { keytype: key.keytype, scheme: key.scheme, public: key.keyval.public },
    ]),
  );
  const signed = (...by: readonly Listed[]): Floor => ({ issued: at, keys: [...keysOf(role(...by), keys)] });
  expect(standing(undefined, role(one), keys)).toBeUndefined();
  expect(standing(signed(), role(one), keys)).toBeUndefined();
  expect(standing(signed(one), role(one, two), keys)).toEqual(signed(one));
  expect(standing(signed(one, two), role(one, two), keys)).toEqual(signed(one, two));
  expect(standing(signed(one, two), role(one, other), keys)).toBeUndefined();
  expect(standing(signed(one), role(other), keys)).toBeUndefined();
});

test("time is not before the floor", () => {
  expect(notBefore(at, undefined)).toBe(at);
  expect(notBefore(at, floor)).toBe(floor.issued);
  expect(notBefore(later(2 * hour), floor)).toBe(later(2 * hour));
});
