import { expect, test } from "vitest";
import { all, past, seconds } from "./seconds.ts";
import { initialised, underTest } from "./under-test.ts";

// What the public suite looks at: exit codes, requests in their order, the metadata and the targets that lie on disk.

test("a refresh asks for four files and stores their very bytes", async () => {
  const { sim, asked, refresh, stored, trusted } = await initialised();
  sim.timestamp.tamper = (bytes) => Buffer.concat([bytes, Buffer.from(" ")]);
  expect(await refresh()).toBe(0);
  expect(asked()).toEqual(["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]);
  expect(await trusted()).toBe("root 1 snapshot 1 targets 1 timestamp 1");
  const files = await sim.files();
  for (const [role, name] of [
    ["root", "1.root.json"],
    ["timestamp", "timestamp.json"],
    ["snapshot", "1.snapshot.json"],
    ["targets", "1.targets.json"],
  ] as const)
    expect(await stored(role)).toEqual(files.get(name));
});

test("a download refreshes first, also where there is nothing to download", async () => {
  const { asked, download, trusted } = await initialised();
  expect(await download("none")).toBe(1);
  expect(asked()).toEqual(["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]);
  expect(await trusted()).toBe("root 1 snapshot 1 targets 1 timestamp 1");
});

test.each([
  ["without a version", (root: string) => root.replace('"version":1,', "")],
  ["with another signature", (root: string) => root.replace(/"sig":"[0-9a-f]{8}/, '"sig":"00000000')],
])("from a first root %s nothing is asked for", async (_what, change) => {
  const { sim, init, refresh, asked } = await underTest();
  await init(Buffer.from(change(String(await sim.writeRoot()))));
  expect(await refresh()).toBe(1);
  expect(asked()).toEqual([]);
});

/** What is trusted after a first refresh in which a role of version 2 is wrong, where all others are 2. */
const upTo = [
  ["root", "root 1"],
  ["timestamp", "root 2"],
  ["snapshot", "root 2 timestamp 2"],
  ["targets", "root 2 snapshot 2 timestamp 2"],
] as const;

test.each(upTo)("%s that is not signed is not trusted, and nothing after it", async (role, wanted) => {
  const { sim, refresh, trusted } = await initialised();
  sim.next("root", ...all).role(role).signers = [];
  await sim.writeRoot();
  expect(await refresh()).toBe(1);
  expect(await trusted()).toBe(wanted);
});

test.each(upTo.filter(([role]) => role !== "timestamp"))(
  "%s of another version than its name says is not trusted, and nothing after it",
  async (role, wanted) => {
    const { sim, refresh, trusted } = await initialised();
    sim.promises = false;
    sim.next("root", ...all).role(role).bend = (content) => ({ ...content, version: 3 });
    await sim.writeRoot();
    expect(await refresh()).toBe(1);
    expect(await trusted()).toBe(wanted);
  },
);

test.each(seconds)("at a second refresh, $what", async ({ change, exit, trusted, last }) => {
  const suite = await initialised();
  expect(await suite.refresh()).toBe(0);
  suite.asked();
  await change(suite);
  expect([await suite.refresh(), await suite.trusted()]).toEqual([exit, trusted]);
  const asked = suite.asked().at(-1);
  expect(asked).toBe(last ?? asked);
});

test("downloads: folders in names, a file that changes, one that is replaced, and none is fetched twice", async () => {
  const { sim, asked, download, downloaded, instead } = await initialised();
  const { targets } = sim.targets;
  targets.set("path/to/a file ü.txt", Buffer.from("first")).set("other", Buffer.from("other"));
  expect([await download("path/to/a file ü.txt"), await downloaded()]).toEqual([0, ["first"]]);
  asked();
  expect([await download("path/to/a file ü.txt"), asked().filter((name) => name.startsWith("targets/"))]).toEqual([
    0,
    [],
  ]);

  for (const version of ["second", "third"]) {
    targets.set("path/to/a file ü.txt", Buffer.from(version));
    sim.next(...all);
    expect([await download("path/to/a file ü.txt"), await downloaded()]).toEqual([0, [version]]);
  }
  const wanted = [...(await sim.files()).keys()].find((name) => name.endsWith(".other")) ?? "";
  for (const replaced of ["other data", "OTHER", ""]) {
    instead.set(wanted, Buffer.from(replaced));
    expect([await download("other"), await downloaded()]).toEqual([1, ["third"]]);
  }
});

test.each(["?", "#", "/delegatedrole", "../delegatedrole"])(
  "a delegated role that is called %s is asked for by that name, and is one file more",
  async (name) => {
    const { sim, asked, download, trusted } = await initialised();
    sim.delegate("targets", name);
    expect(await download("none")).toBe(1);
    expect(asked().at(-1)).toBe(`1.${encodeURIComponent(name)}.json`);
    expect((await trusted()).split(" ").length / 2).toBe(5);
  },
);

test("a target that a delegated role signed is downloaded, and no longer when that role has expired", async () => {
  const { sim, download, downloaded, trusted } = await initialised();
  const role = sim.delegate("targets", "delegated", { paths: ["delegatedpath/*"] });
  role.targets.set("delegatedpath/first", Buffer.from("first")).set("delegatedpath/second", Buffer.from("second"));
  expect([await download("delegatedpath/first"), await downloaded()]).toEqual([0, ["first"]]);
  expect(await trusted()).toBe("delegated 1 root 1 snapshot 1 targets 1 timestamp 1");
  sim.next("delegated", "snapshot", "timestamp").role("delegated").expires = past;
  expect([await download("delegatedpath/second"), await downloaded()]).toEqual([1, ["first"]]);
  expect(await trusted()).toBe("delegated 1 root 1 snapshot 2 targets 1 timestamp 2");
});

test("a download without consistent snapshots has the target's own name", async () => {
  const { sim, init, asked, download } = await underTest();
  sim.consistent = false;
  await init(await sim.writeRoot());
  sim.delegate("targets", "A").targets.set("file", Buffer.from("x"));
  expect(await download("file")).toBe(0);
  expect(asked()).toEqual(["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "A.json", "targets/file"]);
});
