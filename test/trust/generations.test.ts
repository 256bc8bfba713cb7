import { cp, mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TrustError } from "#trust/error.ts";
import { Generations, type StoredGeneration } from "#trust/generations.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { contents, packed, watched, type Watched } from "./device.ts";

// Generations as folders: which wait, which is in force, and which are kept.

interface Kept extends Watched {
  readonly dir: string;
  readonly generations: Generations;
  /** The next version of the policy, looked for and added: its id. */
  readonly next: () => Promise<string>;
  /** The folders in order, with the beginnings of these ids as letters: "candidate-a". */
  readonly folders: (...ids: readonly string[]) => Promise<readonly string[]>;
}

async function kept(): Promise<Kept> {
  const all = await watched();
  const device = await all.client();
  const dir = join(device.dir, "generations");
  return {
    ...all,
    dir,
    generations: new Generations(dir),
    next: async () => {
      all.publish("targets");
      return (await device.refresh()).id;
    },
    folders: async (...ids) => {
      const letters = (name: string): string =>
        ids.reduce((text, id, i) => text.replace(id.slice(0, 16), "abcdefgh".charAt(i)), name);
      return (await readdir(dir)).map(letters).toSorted();
    },
  };
}

const found = async (generations: Generations, report: string[] = []): Promise<string | undefined> =>
  (
    await generations.newest(
      (stored) => Promise.resolve(stored.id),
      (problem) => report.push(problem),
    )
  )?.used;

test("a generation waits as a candidate until it is activated, and to activate it again changes nothing", async () => {
  const { generations, next, folders } = await kept();
  const a = await next();
  expect(await folders(a)).toEqual(["candidate-a"]);
  expect(await found(generations)).toBeUndefined();
  expect((await generations.find(a))?.id).toBe(a);
  for (let i = 0; i < 2; i += 1) {
    await generations.activate(a);
    expect(await folders(a)).toEqual(["active-0000000001-a"]);
  }
  expect(await found(generations)).toBe(a);
  expect((await generations.find(a))?.id).toBe(a);
});

test("the highest number is in force, two before it are kept, and what waited is gone", async () => {
  const { generations, next, folders } = await kept();
  const ids: string[] = [];
  for (let i = 0; i < 4; i += 1) {
    ids.push(await next());
    await generations.activate(ids.at(-1) ?? "");
    expect(await found(generations)).toBe(ids.at(-1));
  }
  expect(await folders(...ids)).toEqual(["active-0000000002-b", "active-0000000003-c", "active-0000000004-d"]);
  const [e, f] = [await next(), await next()];
  expect(await folders(...ids, e, f)).toEqual([
    "active-0000000002-b",
    "active-0000000003-c",
    "active-0000000004-d",
    "candidate-e",
    "candidate-f",
  ]);
  await generations.activate(e);
  expect(await folders(...ids, e)).toEqual(["active-0000000003-c", "active-0000000004-d", "active-0000000005-e"]);
  expect(await found(generations)).toBe(e);
});

test("what was in force before and comes back has the highest number, and is there once", async () => {
  const { generations, next, folders } = await kept();
  const [a, b, c] = [await next(), await next(), await next()];
  await generations.activate(b);
  expect(await folders(a, b, c)).toEqual(["active-0000000001-b"]);
  const stored = await generations.find(b);
  if (stored === undefined) throw new Error("no generation");
  const d = await next();
  await generations.activate(d);
  await generations.activate(b);
  expect(await folders(a, b, c, d)).toEqual(["active-0000000002-d", "active-0000000003-b"]);
  // The same one was fetched anew, and waits: that copy is taken.
  await generations.activate(d);
  await generations.add(stored);
  await generations.activate(b);
  expect(await folders(a, b, c, d)).toEqual(["active-0000000003-b", "active-0000000004-d", "active-0000000005-b"]);
});

test("what comes back from before leaves the two that were in force since", async () => {
  const { generations, next, folders } = await kept();
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    ids.push(await next());
    await generations.activate(ids.at(-1) ?? "");
  }
  await generations.activate(ids[1] ?? "");
  expect(await folders(...ids)).toEqual(["active-0000000001-a", "active-0000000003-c", "active-0000000004-b"]);
});

test("the last two wait to be activated", async () => {
  const { next, folders } = await kept();
  const ids = [await next(), await next(), await next(), await next()];
  expect(await folders(...ids)).toEqual(["candidate-c", "candidate-d"]);
});

test.each([0, 1])("of two that wait the older one goes, whatever they are called: %i", async (older) => {
  const { dir, next } = await kept();
  await next();
  await next();
  const names = await readdir(dir);
  for (const [i, name] of names.entries()) await utimes(join(dir, name), 0, i === older ? 1000 : 2000);
  await next();
  const left = await readdir(dir);
  expect(names.map((name) => left.includes(name))).toEqual([older !== 0, older !== 1]);
});

test("one that cannot be used is said by its name, and the one before is in force", async () => {
  const { dir, generations, next } = await kept();
  const a = await next();
  await generations.activate(a);
  await generations.activate(await next());
  const newest = (await readdir(dir)).toSorted().at(-1) ?? "";
  await rm(join(dir, newest, "targets.json"));
  const report: string[] = [];
  expect(await found(generations, report)).toBe(a);
  expect(report).toEqual([`${newest} cannot be used: targets.json is missing or cannot be read`]);
  const said: string[] = [];
  const nothing = await generations.newest(
    () => Promise.reject(new TrustError("FORMAT", "not this one")),
    (problem) => said.push(problem),
  );
  expect(nothing).toBeUndefined();
  expect(said.at(-1)).toMatch(/^active-.* cannot be used: not this one$/);
});

test("a folder that holds another generation than its name says cannot be used", async () => {
  const { dir, generations, next } = await kept();
  const a = await next();
  await generations.activate(a);
  const other = `active-0000000002-${"0".repeat(16)}`;
  await cp(join(dir, `active-0000000001-${a.slice(0, 16)}`), join(dir, other), { recursive: true });
  const report: string[] = [];
  expect(await found(generations, report)).toBe(a);
  expect(report).toEqual([`${other} cannot be used: it is not whole`]);
});

test("a generation is found by its whole id, where it is whole", async () => {
  const { dir, generations, next } = await kept();
  const [a, b] = [await next(), await next()];
  expect((await generations.find(a))?.id).toBe(a);
  expect(await generations.find(`${a.slice(0, -1)}${a.endsWith("0") ? "1" : "0"}`)).toBeUndefined();
  expect(await generations.find("0".repeat(64))).toBeUndefined();
  await writeFile(join(dir, `candidate-${a.slice(0, 16)}`, "policy.json.gz"), "");
  expect(await generations.find(a)).toBeUndefined();
  expect((await generations.find(b))?.id).toBe(b);
});

test("a part that is here in the very same bytes is not fetched again", async () => {
  const { sim, generations, next } = await kept();
  const a = await next();
  const file = (await generations.find(a))?.chain.targets.targets.get("policy.json");
  if (file === undefined) throw new Error("no policy");
  expect(await generations.packed(file)).toEqual(sim.targets.targets.get("policy.json"));
  sim.targets.targets.set("policy.json", packed("{}"));
  await next();
  expect(await generations.packed({ ...file, hashes: new Map([["sha256", "00"]]) })).toBeUndefined();
  expect(await generations.packed({ ...file, path: "other.json" })).toBeUndefined();
  expect((await generations.packed(file))?.length).toBe(file.length);
});

test("what is no generation's folder is none", async () => {
  const { dir, generations, next, client } = await kept();
  const a = await next();
  const short = a.slice(0, 16);
  await generations.activate(a);
  for (const name of [`active-1-${short}`, `active-00000000009-${short}`, `xcandidate-${short}`, `candidate-${short}0`])
    await mkdir(join(dir, name));
  for (const name of [`candidate-${short.slice(1)}`, `candidate-${"g".repeat(16)}`, `active-000000000x-${short}`])
    await mkdir(join(dir, name));
  const before = (await readdir(dir)).length;
  const report: string[] = [];
  expect(await found(generations, report)).toBe(a);
  expect(report).toEqual([]);
  const b = await next();
  await generations.activate(b);
  expect((await readdir(dir)).length).toBe(before + 1);
  expect(contents(await (await client()).refresh())).toMatchObject({ policy: "base" });
});

test("folders that cannot be read are said, and none are none", async () => {
  const base = await temporaryFolder();
  const report: string[] = [];
  expect(await found(new Generations(join(base, "none")), report)).toBeUndefined();
  expect(report).toEqual([]);
  await writeFile(join(base, "file"), "");
  expect(await found(new Generations(join(base, "file")), report)).toBeUndefined();
  expect(report).toEqual([expect.stringMatching(/^the generations cannot be read: ENOTDIR/)]);
  for (const name of ["none", "file"]) {
    const none = new Generations(join(base, name));
    expect(await none.find("0".repeat(64))).toBeUndefined();
    const error = { code: "CACHE", message: "there is no generation 0000000000000000" };
    await expect(none.activate("0".repeat(64))).rejects.toMatchObject(error);
  }
});

test("a generation is its owner's alone, and one that cannot be written whole leaves nothing", async () => {
  const { dir, generations, next } = await kept();
  const stored: StoredGeneration | undefined = await generations.find(await next());
  if (stored === undefined) throw new Error("no generation");
  const [folder = ""] = await readdir(dir);
  expect([(await stat(dir)).mode & 0o777, (await stat(join(dir, folder))).mode & 0o777]).toEqual([0o700, 0o700]);
  await rm(dir, { recursive: true });
  await writeFile(join(dir, "..", "generations"), "in the way");
  await writeFile(join(dir, "..", ".old.tmp"), "");
  await generations.add(stored);
  expect(await readdir(dir)).toEqual([folder]);
  await writeFile(join(dir, ".dead.tmp"), "");
  const broken = { ...stored, packed: new Map([["policy.json", 7 as unknown as Uint8Array]]) };
  await expect(generations.add(broken)).rejects.toMatchObject({
    code: "CACHE",
    message: "the generation cannot be stored",
    cause: expect.any(TypeError),
  });
  expect(await readdir(dir)).toEqual([folder]);
});
