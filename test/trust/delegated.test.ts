import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { limits } from "#trust/limits.ts";
import { FileStore, MemoryStore, roleFile, type MetadataStore } from "#trust/store.ts";
import { update, type Updated } from "#trust/updater.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { now, simulated, visited } from "./simulated.ts";
import { listed, type Simulator } from "./simulator.ts";

// What a delegated role is held to, and where it is kept.

test("a role that two delegate to is held to the keys of whoever it is reached through", async () => {
  const { sim, look } = await simulated();
  sim.delegate("targets", "A", { paths: ["a"] });
  sim.delegate("targets", "B", { paths: ["b"] });
  sim.delegate("A", "C").targets.set("a", Buffer.from("a")).set("b", Buffer.from("b"));
  sim.delegate("B", "C", { paths: ["b"] }, [listed()]);
  const { find, set } = await look();
  expect(await find("a")).toMatchObject({ role: "C" });
  await expect(find("b")).rejects.toMatchObject({ code: "SIGNATURE", file: "C" });
  expect(set.delegated("C")?.targets.size).toBe(2);
});

test("a role that nobody delegates to, or not to that name, is refused", async () => {
  const { sim, look } = await simulated();
  sim.delegate("targets", "A");
  sim.roles.set("B", sim.role("A"));
  const { set } = await look();
  const bytes = await sim.bytes("A");
  expect(() => set.updateDelegated(bytes, "B", "targets")).toThrow(expect.objectContaining({ code: "SIGNATURE" }));
  expect(() => set.updateDelegated(bytes, "A", "B")).toThrow(expect.objectContaining({ code: "CACHE" }));
  expect(set.updateDelegated(bytes, "A", "targets").version).toBe(1);
  expect(() => set.updateDelegated(bytes, "B", "A")).toThrow(expect.objectContaining({ code: "SIGNATURE" }));
});

test.each(["bin-2", "bin-00", "bin-", "bin", "bim-0", "bin-g", "bin-0/", "bin-F", "bin--1"])(
  "%s is none of two bins",
  async (name) => {
    const { sim, look } = await simulated();
    sim.delegateBins("targets", 1, "bin");
    sim.roles.set(name, sim.role("bin-0"));
    const { set } = await look();
    const bytes = await sim.bytes("bin-0");
    expect(() => set.updateDelegated(bytes, name, "targets")).toThrow("delegates nothing");
    expect(set.updateDelegated(bytes, "bin-0", "targets").version).toBe(1);
  },
);

test.each(["bin-0g", "bin-g0", "bin-0", "bin-000", "bin-FF", "bin-+1", "bin- 1", "bin-0x"])(
  "%s is none of 256 bins",
  async (name) => {
    const { sim, look } = await simulated();
    sim.delegateBins("targets", 8, "bin");
    sim.roles.set(name, sim.role("bin-00"));
    const { set } = await look();
    const bytes = await sim.bytes("bin-00");
    expect(() => set.updateDelegated(bytes, name, "targets")).toThrow("delegates nothing");
    expect(set.updateDelegated(bytes, "bin-ff", "targets").version).toBe(1);
  },
);

const delegated = async (): Promise<Awaited<ReturnType<typeof simulated>> & { readonly store: MetadataStore }> => {
  const store = new MemoryStore();
  const all = await simulated(store);
  all.sim.delegate("targets", "A").targets.set("x", Buffer.from("x"));
  return { ...all, store };
};

test("a role that was seen is not fetched again while it is the same", async () => {
  const { mirror, look } = await delegated();
  const first = await look();
  await first.find("x");
  expect(await first.find("x")).toMatchObject({ role: "A" });
  expect(await (await look()).find("x")).toMatchObject({ role: "A" });
  expect(visited(mirror)).toEqual(["A"]);
});

test("a role that is older than the one that was seen is refused, whatever the snapshot says", async () => {
  const { sim, look, store } = await delegated();
  sim.role("A").version = 5;
  await (await look()).find("x");
  const seen = await store.read("A.json", limits.targets);
  sim.next("snapshot", "timestamp").role("A").version = 4;
  await expect(look()).rejects.toMatchObject({ code: "ROLLBACK", file: "A" });
  sim.next("snapshot", "timestamp").roles.delete("A");
  sim.targets.delegations.length = 0;
  await expect(look()).rejects.toMatchObject({ code: "ROLLBACK", file: "A.json" });
  expect(await store.read("A.json", limits.targets)).toEqual(seen);
});

test("an expired role is refused and not stored, and taken where age is only reported", async () => {
  const { sim, look, store } = await delegated();
  sim.role("A").expires = now;
  const { find, set } = await look();
  await expect(find("x")).rejects.toMatchObject({ code: "EXPIRED", file: "A" });
  expect([set.delegated("A"), set.files.get("A"), await store.read("A.json", limits.targets)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(await find("x", "reported")).toMatchObject({ role: "A" });
  expect(set.files.get("A")).toEqual(await store.read("A.json", limits.targets));
});

test("a stored role that has expired meanwhile is refused, and a newer one is taken", async () => {
  const { sim, store, mirror, look } = await delegated();
  const bootstrap = await sim.writeRoot();
  sim.role("A").expires = instantOf(now + 3_600_000);
  await (await look()).find("x");
  const later = (): Promise<Updated> => update({ fetcher: mirror, store, bootstrap, now: instantOf(now + 7_200_000) });
  await expect((await later()).find("x")).rejects.toMatchObject({ code: "EXPIRED", file: "A" });
  sim.next("A", "snapshot", "timestamp").role("A").expires = instantOf(now + 9_000_000);
  expect(await (await later()).find("x")).toMatchObject({ role: "A" });
});

const refused: readonly { readonly what: string; readonly bend: (sim: Simulator) => unknown; readonly code: string }[] =
  [
    { what: "signed by somebody else", bend: (s) => (s.role("A").signers = [listed()]), code: "SIGNATURE" },
    {
      what: "signed by the keys of its parent",
      bend: (s) => (s.role("A").signers = s.targets.keys),
      code: "SIGNATURE",
    },
    { what: "signed by one of two", bend: (s) => (s.role("A").threshold = 2), code: "SIGNATURE" },
    { what: "not signed", bend: (s) => (s.role("A").signers = []), code: "SIGNATURE" },
    {
      what: "another version than the snapshot says",
      bend: (s) => {
        s.promises = false;
        s.role("A").bend = (content) => ({ ...content, version: 2 });
      },
      code: "VERSION",
    },
    {
      what: "one byte other than the snapshot says",
      bend: (s) => (s.role("A").tamper = (b) => Buffer.from(b.toString().replace('"version":1', '"version":3'))),
      code: "MISMATCH",
    },
    {
      what: "longer than the snapshot says",
      bend: (s) => (s.role("A").tamper = (b) => Buffer.concat([b, b])),
      code: "LIMIT",
    },
    {
      what: "a snapshot",
      bend: (s) => (s.role("A").bend = (content) => ({ ...content, _type: "snapshot" })),
      code: "FORMAT",
    },
    { what: "no JSON", bend: (s) => (s.role("A").tamper = (b) => Buffer.alloc(b.length)), code: "MISMATCH" },
  ];

test.each(refused)("a delegated role that is $what is refused as $code", async ({ bend, code }) => {
  const { sim, look, store } = await delegated();
  bend(sim);
  const { find, set } = await look();
  await expect(find("x")).rejects.toMatchObject({ name: "TrustError", code, file: expect.stringContaining("A") });
  expect([set.delegated("A"), await store.read("A.json", limits.targets)]).toEqual([undefined, undefined]);
});

test.each([
  "?",
  "#",
  "/delegatedrole",
  "../delegatedrole",
  "..",
  ".",
  "__proto__",
  "constructor",
  "ü",
  "a b",
  "%2e",
  "con",
  "Timestamp",
  "ROOT",
  "x".repeat(300),
  "(!'*)",
  "targets.json",
])("a role that is called %s is a role like any other, and one file in the store", async (name) => {
  const dir = join(await temporaryFolder(), "store");
  const store = new FileStore(dir);
  const { sim, look } = await simulated(store);
  sim.delegate("targets", name).targets.set("x", Buffer.from("x"));
  await store.exclusively(async () => {
    expect(await (await look()).find("x")).toMatchObject({ role: name });
    expect(await (await look()).find("x")).toMatchObject({ role: name });
  });
  const files = (await readdir(dir)).filter((file) => file.endsWith(".json"));
  expect(files.toSorted()).toEqual(
    ["root.json", "snapshot.json", "targets.json", "timestamp.json", roleFile(name)].toSorted(),
  );
  expect(roleFile(name)).toMatch(/^[\w.~%-]{1,210}\.json$/);
  expect((await readdir(join(dir, ".."))).length).toBe(1);
});

test("no two roles share a file, also where large letters are as small ones", () => {
  const names = [
    "timestamp",
    "Timestamp",
    "%54imestamp",
    "con",
    "%63on",
    "%sha256-x",
    "a/b",
    "a%2Fb",
    "x".repeat(300),
    "x".repeat(301),
  ];
  expect(new Set(names.map((name) => roleFile(name).toLowerCase())).size).toBe(names.length);
});
