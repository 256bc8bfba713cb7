import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { limits, maxRotations } from "#trust/limits.ts";
import { readState } from "#trust/state.ts";
import { MemoryStore } from "#trust/store.ts";
import { fetchTarget, lastHeard, loadRoot, targetName, update, type Updated } from "#trust/updater.ts";
import { Mirror } from "./mirror.ts";
import { day } from "./repository.ts";
import { now } from "./simulated.ts";
import { listed, Simulator } from "./simulator.ts";

// One run of the client workflow: what is fetched, what is stored, and in which order.

/** Writes down what is written and removed. */
class Recorded extends MemoryStore {
  readonly log: string[] = [];
  override write(name: string, bytes: Uint8Array): Promise<void> {
    this.log.push(name);
    return super.write(name, bytes);
  }
  override remove(name: string): Promise<void> {
    this.log.push(`- ${name}`);
    return super.remove(name);
  }
}

async function started(edit: (sim: Simulator) => void = () => undefined) {
  const sim = new Simulator(now);
  edit(sim);
  const bootstrap = await sim.writeRoot();
  const [mirror, store] = [new Mirror(sim), new Recorded()];
  const look = (options: Partial<Parameters<typeof update>[0]> = {}): Promise<Updated> => {
    mirror.asked.length = 0;
    store.log.length = 0;
    return update({ fetcher: mirror, store, bootstrap, now, ...options });
  };
  return { sim, mirror, store, bootstrap, look };
}

test("each file is stored as soon as it is trusted, and what is here is neither fetched nor written again", async () => {
  const { sim, mirror, store, look } = await started();
  await look();
  expect(mirror.asked).toEqual(["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]);
  const all = ["root.json", "bootstrap", "timestamp.json", "snapshot.json", "targets.json"]; // neither an ETag nor a signed time came: no state
  expect(store.log).toEqual(all);
  await look();
  expect([mirror.asked, store.log]).toEqual([["2.root.json", "timestamp.json"], []]);
  sim.next("snapshot", "timestamp");
  await look();
  expect(mirror.asked).toEqual(["2.root.json", "timestamp.json", "2.snapshot.json"]);
  expect(store.log).toEqual(["timestamp.json", "snapshot.json"]);
});

test("without consistent snapshots names carry no version", async () => {
  const { mirror, look } = await started((sim) => (sim.consistent = false));
  await look();
  expect(mirror.asked).toEqual(["2.root.json", "timestamp.json", "snapshot.json", "targets.json"]);
});

test("what lost keys had signed is gone before the root that replaced them is stored", async () => {
  const { sim, mirror, store, look } = await started();
  await look();
  sim.snapshot.keys = [listed()];
  await sim.next("root", "timestamp").writeRoot();
  await look();
  expect(mirror.asked).toEqual(["2.root.json", "3.root.json", "timestamp.json", "1.snapshot.json"]);
  expect(store.log).toEqual(["- timestamp.json", "- snapshot.json", "root.json", "timestamp.json", "snapshot.json"]);
  await sim.next("root").writeRoot();
  await look();
  expect(store.log).toEqual(["root.json"]);
});

test(`no more than ${maxRotations} roots are followed in one run, and the next one goes on`, async () => {
  const { sim, look } = await started();
  for (let i = 0; i <= maxRotations; i += 1) await sim.next("root").writeRoot();
  expect((await look()).set.root.version).toBe(1 + maxRotations);
  expect((await look()).set.root.version).toBe(2 + maxRotations);
});

test("the installer's root is kept beside the one that was reached from it; one that cannot be read is not", async () => {
  const { store, bootstrap, look } = await started();
  await look();
  expect(await store.read("bootstrap")).toEqual(bootstrap);
  await look({ bootstrap: Buffer.of() });
  expect(store.log).toEqual([]);
  await look({ bootstrap: Buffer.from("{}") });
  expect(store.log).toEqual(["bootstrap"]);
});

/** What the stored root is, and the installer's now and when the stored one was reached; and which is begun with. */
test.each([
  { what: "none is stored", stored: "none", from: "none", installed: "first", begun: "first" },
  { what: "the stored one was reached from it", stored: "second", from: "first", installed: "first", begun: "second" },
  { what: "the stored one follows it", stored: "second", from: "other", installed: "first", begun: "second" },
  { what: "the stored one is as new", stored: "twin", from: "other", installed: "first", begun: "twin" },
  { what: "the stored one is older", stored: "first", from: "first", installed: "second", begun: "second" },
  { what: "the stored one is another's", stored: "other", from: "other", installed: "first", begun: "first" },
  { what: "the stored one is damaged", stored: "damaged", from: "first", installed: "first", begun: "first" },
  { what: "it is damaged", stored: "second", from: "first", installed: "damaged", begun: "second" },
  { what: "it is damaged and was before", stored: "second", from: "damaged", installed: "damaged", begun: "second" },
  { what: "the stored one is as long as it may be", stored: "full", from: "first", installed: "first", begun: "full" },
  { what: "the stored one is longer", stored: "long", from: "first", installed: "first", begun: "first" },
  { what: "it is longer than a root may be", stored: "second", from: "first", installed: "long", begun: "second" },
])("the root to begin with, where $what", async ({ stored, from, installed, begun }) => {
  const files = await roots();
  const store = new MemoryStore();
  for (const [name, which] of [
    ["root.json", stored],
    ["bootstrap", from],
  ] as const) {
    const bytes = files[which];
    if (bytes !== undefined) await store.write(name, bytes);
  }
  expect((await loadRoot(store, files[installed] ?? Buffer.of())).files.get("root")).toEqual(files[begun]);
});

async function roots(): Promise<Record<string, Buffer>> {
  const [sim, stranger] = [new Simulator(now), new Simulator(now)];
  stranger.root.version = 9;
  const first = await sim.writeRoot();
  sim.root.extra = { x_more: 1 };
  const twin = await sim.writeRoot();
  const second = await sim.next("root").writeRoot();
  const sized = (length: number): Buffer => Buffer.from(second.toString().padEnd(length));
  const damaged = Buffer.from(second.toString().replace('"x_more":1', '"x_more":2'));
  const [full, long] = [sized(limits.root), sized(limits.root + 1)];
  return { first, twin, second, full, long, damaged, other: await stranger.writeRoot() };
}

test("a stored root that is damaged is written anew", async () => {
  const { store, bootstrap, look } = await started();
  await look();
  await store.write("root.json", Buffer.from("{}"));
  await look();
  expect([store.log, await store.read("root.json")]).toEqual([["root.json"], bootstrap]);
});

test("where there is no root at all, it says why", async () => {
  const store = new MemoryStore();
  const neither = {
    code: "CACHE",
    file: "root",
    message: "there is no root that can be trusted: neither the stored nor the installed one",
  };
  const because = (message: string): object => ({ ...neither, cause: expect.objectContaining({ message }) });
  const notSigned = Buffer.from('{"signed":1}');
  await expect(loadRoot(store, notSigned)).rejects.toMatchObject(because("root.json: signed is not an object"));
  await store.write("root.json", Buffer.from("[]"));
  await expect(loadRoot(store, notSigned)).rejects.toMatchObject(because("root.json: signed is not an object"));
  await store.write("bootstrap", notSigned);
  await expect(loadRoot(store, notSigned)).rejects.toMatchObject(because("root.json: the file is not an object"));
  await store.write("root.json", Buffer.alloc(limits.root + 1));
  await expect(loadRoot(store, notSigned)).rejects.toMatchObject(because("root.json: signed is not an object"));
});

test("an ETag is remembered with the bytes it came with, and asked by while those are stored", async () => {
  const { sim, mirror, store, look } = await started();
  const sent: (string | undefined)[] = [];
  const etags = ['"1"', undefined, '"3"', '"4"'];
  const tagged = {
    metadata: (name: string, most: number) => mirror.metadata(name, most),
    target: (name: string, length: number) => mirror.target(name, length),
    timestamp: async (most: number, etag: string | undefined) => {
      sent.push(etag);
      return { ...(await mirror.timestamp(most)), etag: etags[sent.length - 1] };
    },
  };
  const remembered = async (): Promise<string | undefined> => {
    await look({ fetcher: tagged });
    return (await readState(store)).etag?.value;
  };
  expect(await remembered()).toBe('"1"');
  expect(await remembered()).toBeUndefined();
  expect(await remembered()).toBe('"3"');
  // The same version in other bytes: the ETag is not that of what is kept.
  sim.timestamp.extra = { x_more: 1 };
  expect(await remembered()).toBeUndefined();
  expect(sent).toEqual([undefined, '"1"', undefined, '"3"']);
});

test("what has expired is read where age is only reported", async () => {
  const { sim, look } = await started();
  sim.delegate("targets", "A").targets.set("x", Buffer.from("x"));
  const later = instantOf(now + 30 * day);
  await expect(look({ now: later })).rejects.toMatchObject({ code: "EXPIRED", file: "root" });
  const { find } = await look({ now: later, expired: "reported" });
  expect(await find("x")).toMatchObject({ role: "A" });
});

test("a later signed time counts from the moment it is believed", async () => {
  const { sim, look } = await started();
  sim.timestamp.extra = { x_issued: "2026-07-10T12:00:00Z" };
  sim.snapshot.expires = instantOf(now + day / 2);
  await expect(look()).rejects.toMatchObject({ code: "EXPIRED", file: "snapshot" });
  sim.next("snapshot", "timestamp").snapshot.expires = instantOf(now + day);
  expect((await look()).floor?.issued).toBe(now + day / 2);
});

test.each(["snapshot", "targets"])("%s that is not in the repository is an error that names it", async (role) => {
  const { mirror, look } = await started();
  mirror.instead.set(`1.${role}.json`, undefined);
  const message = `1.${role}.json is not in the repository`;
  await expect(look()).rejects.toMatchObject({ code: "HTTP", file: role, seen: 404, message });
});

test("one that would be too long is an error that names its length", async () => {
  const { sim, look } = await started();
  sim.timestamp.bend = (content) => ({ ...content, meta: { "snapshot.json": { version: 1, length: 2 ** 30 } } });
  const message = "1.snapshot.json would have 1073741824 bytes";
  await expect(look()).rejects.toMatchObject({ code: "LIMIT", file: "snapshot", message });
});

test.each([true, false])(
  "a target is fetched under its name, and is the signed one; consistent: %s",
  async (consistent) => {
    const { sim, mirror, look } = await started((to) => (to.consistent = consistent));
    const [deep, flat] = [Buffer.from("deep"), Buffer.from("flat")];
    sim.targets.targets.set("a/b/c.json", deep).set("d", flat);
    const { set, targets } = await look();
    for (const [path, bytes] of [
      ["a/b/c.json", deep],
      ["d", flat],
    ] as const) {
      const file = targets.targets.get(path);
      if (file === undefined) throw new Error("no target");
      expect(targetName(set, file)).toBe(sim.targetFile(path, bytes));
      expect(await fetchTarget(set, file, mirror)).toEqual(bytes);
      mirror.instead.set(`targets/${sim.targetFile(path, bytes)}`, Buffer.from("else"));
      await expect(fetchTarget(set, file, mirror)).rejects.toMatchObject({ code: "MISMATCH", file: path });
    }
  },
);

test("a device heard last when it looked, or else when the timestamp was made, which is three days before it ends", () => {
  const [expires, issued] = [instantOf(now + 3 * day), instantOf(now + day)];
  expect(lastHeard(now, { expires, issued })).toBe(now);
  expect(lastHeard(undefined, { expires, issued })).toBe(issued);
  expect(lastHeard(undefined, { expires, issued: undefined })).toBe(now);
});
