import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "#trust/sha256.ts";
import { FileStore, MemoryStore, replaceFolder, roleFile, storing } from "#trust/store.ts";
import { TrustError } from "#trust/error.ts";
import { temporaryFolder } from "../lib/temporary.ts";

// Small files by name, in one folder.

async function opened(): Promise<FileStore> {
  return new FileStore(await temporaryFolder());
}
const whole = Buffer.from('{"a":1}');

test.each([
  ["root", "root.json"],
  ["snapshot", "snapshot.json"],
  ["group-a_b.c~1", "group-a_b.c~1.json"],
  ["a/b", "a%2Fb.json"],
  ["a!'()*b", "a%21%27%28%29%2Ab.json"],
  ["Root", "%52oot.json"],
  ["TIMESTAMP", "%54IMESTAMP.json"],
  ["con", "%63on.json"],
  ["Con.x", "%43on.x.json"],
  ["con\nx", "con%0Ax.json"],
  ["prn.a\nb", "%70rn.a%0Ab.json"],
  ["lpt9", "%6Cpt9.json"],
  ["com1.json", "%63om1.json.json"],
  ["com", "com.json"],
  ["com10", "com10.json"],
  ["auxx", "auxx.json"],
  ["xnul", "xnul.json"],
  ["roots", "roots.json"],
  ["aroot", "aroot.json"],
  ["x".repeat(200), `${"x".repeat(200)}.json`],
  ["x".repeat(201), `%sha256-${sha256("x".repeat(201))}.json`],
  ["ü".repeat(34), `%sha256-${sha256("ü".repeat(34))}.json`],
])("the role %s lies in one file, which is never another's", (role, file) => {
  expect(roleFile(role)).toBe(file);
});

test("what is written is read as it was, by its owner alone, and a longer one than asked for is none", async () => {
  const store = await opened();
  await store.write("state", whole);
  expect(await store.read("state", whole.length)).toEqual(whole);
  expect((await stat(join(store.dir, "state"))).mode & 0o777).toBe(0o600);
  expect(await store.read("none", 10)).toBeUndefined();
  expect(store.problems).toEqual([]);
  expect(await store.read("state", whole.length - 1)).toBeUndefined();
  expect(store.problems).toEqual([expect.stringMatching(/^state cannot be read: .* is longer than 6 bytes$/)]);
});

test.each([
  ["", false],
  ["{", false],
  ['{"a":1', false],
  ["\0\0\0\0\0\0}", false],
  ['{"a":1}\0', false],
  ['{"a":1}', true],
  ['{"a":1} \n\r\t', true],
])("a file that holds %j is whole: %s", async (text, isWhole) => {
  const store = await opened();
  await writeFile(join(store.dir, "root.json"), text);
  expect(String(await store.read("root.json", 100))).toBe(text);
  expect(store.problems).toEqual(isWhole ? [] : ["root.json is cut or empty"]);
});

test("what stands in a file's place is said where it is read, and gone where it is written", async () => {
  const store = await opened();
  await mkdir(join(store.dir, "state", "more"), { recursive: true });
  await symlink("state", join(store.dir, "root.json"));
  expect([await store.read("state", 9), await store.read("root.json", 9)]).toEqual([undefined, undefined]);
  expect(store.problems).toEqual([
    expect.stringMatching(/^state cannot be read: /),
    expect.stringMatching(/^root\.json cannot be read: /),
  ]);
  for (const name of ["state", "root.json"]) {
    await store.write(name, whole);
    expect(await readFile(join(store.dir, name))).toEqual(whole);
  }
  expect(await readdir(store.dir)).toHaveLength(2);
});

test("what is removed is gone, whatever it was, and need not have been there", async () => {
  const store = await opened();
  await store.write("root.json", whole);
  await mkdir(join(store.dir, "state", "more"), { recursive: true });
  for (const name of ["root.json", "state", "none"]) await store.remove(name);
  expect(await readdir(store.dir)).toEqual([]);
});

test("the roles that are kept stay, other roles go, and what is no role stays too", async () => {
  const store = await opened();
  const there = ["root.json", "a%2Fb.json", "old.json", "state", "bootstrap", "generations"];
  for (const name of there) await writeFile(join(store.dir, name), whole);
  await mkdir(join(store.dir, "older.json", "more"), { recursive: true });
  await store.keepRoles(["root", "a/b"]);
  expect((await readdir(store.dir)).toSorted()).toEqual(
    ["root.json", "a%2Fb.json", "state", "bootstrap", "generations"].toSorted(),
  );
});

test("the folder is made for its owner alone, and what a dead writer left is swept away, and nothing else", async () => {
  const store = new FileStore(join(await temporaryFolder(), "a", "b"));
  expect(await store.exclusively(() => Promise.resolve(7))).toBe(7);
  expect((await stat(store.dir)).mode & 0o777).toBe(0o700);
  for (const name of [".x.tmp", "x.tmp", ".x"]) await writeFile(join(store.dir, name), "");
  await mkdir(join(store.dir, ".folder.tmp", "more"), { recursive: true });
  const during = await store.exclusively(() => readdir(store.dir));
  expect(during.filter((name) => !name.startsWith("lock")).toSorted()).toEqual([".x", "x.tmp"]);
});

test("one at a time is at work in a folder", async () => {
  const store = await opened();
  const order: string[] = [];
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = store.exclusively(async () => {
    begun.resolve();
    await go.promise;
    order.push("first");
  });
  await begun.promise;
  const second = new FileStore(store.dir).exclusively(() => Promise.resolve(order.push("second")));
  go.resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
});

test("what the system refuses is an error of the store, and every other error stays what it is", async () => {
  const store = new FileStore(join(await temporaryFolder(), "none"));
  const refused = { code: "CACHE", cause: expect.objectContaining({ code: "ENOENT" }) };
  await expect(store.write("state", whole)).rejects.toMatchObject({
    ...refused,
    file: "state",
    message: "state cannot be stored",
  });
  await expect(store.remove("state")).rejects.toMatchObject({ ...refused, file: "state" });
  await expect(store.keepRoles([])).rejects.toMatchObject({ ...refused, message: "the folder cannot be stored" });
  await writeFile(store.dir, "");
  const blocked = store.exclusively(() => Promise.resolve(1));
  await expect(blocked).rejects.toMatchObject({ code: "CACHE", message: "the folder cannot be stored" });
  for (const error of [new TrustError("ROLLBACK", "old"), new Error("of the work"), "no error at all"])
    await expect(storing("x", () => Promise.reject(error))).rejects.toBe(error);
});

test("what is thrown at work is thrown, and the next one can work", async () => {
  const store = await opened();
  const error = new Error("of the work");
  await expect(store.exclusively(() => Promise.reject(error))).rejects.toBe(error);
  expect(await store.exclusively(() => Promise.resolve(7))).toBe(7);
});

test("a folder is put in the place of another", async () => {
  const parent = await temporaryFolder();
  for (const [folder, file] of [
    ["new", "b"],
    ["old", "a"],
  ] as const) {
    await mkdir(join(parent, folder));
    await writeFile(join(parent, folder, file), "");
  }
  await replaceFolder(join(parent, "new"), join(parent, "old"), parent);
  expect([await readdir(parent), await readdir(join(parent, "old"))]).toEqual([["old"], ["b"]]);
  await rm(join(parent, "old"), { recursive: true });
  await mkdir(join(parent, "new"));
  await replaceFolder(join(parent, "new"), join(parent, "old"), parent);
  expect(await readdir(parent)).toEqual(["old"]);
});

test("a store that forgets keeps what it was given until then", async () => {
  const store = new MemoryStore();
  expect(await store.read("a")).toBeUndefined();
  await store.write("a", whole);
  await store.write("b", whole);
  await store.remove("a");
  expect([await store.read("a"), await store.read("b")]).toEqual([undefined, whole]);
});
