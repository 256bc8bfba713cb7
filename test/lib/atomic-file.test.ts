import { execFileSync } from "node:child_process";
import { mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAtomic, readBounded, writeAtomic } from "#lib/atomic-file.ts";
import { temporaryFolder } from "./temporary.ts";

test("a file is replaced whole, owner-only, with nothing left beside it", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "state");
  await writeAtomic(file, Buffer.from("one"));
  await writeAtomic(file, Buffer.from("two"));
  expect((await readBounded(file, 3)).toString()).toBe("two");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(["state"]);
});

test("a new file appears whole and owner-only, and takes no other's place", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "key");
  await createAtomic(file, Buffer.from("one"));
  await expect(createAtomic(file, Buffer.from("two"))).rejects.toMatchObject({ code: "EEXIST" });
  await symlink(join(dir, "elsewhere"), join(dir, "link"));
  await expect(createAtomic(join(dir, "link"), Buffer.from("two"))).rejects.toMatchObject({ code: "EEXIST" });
  expect((await readBounded(file, 3)).toString()).toBe("one");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readdir(dir)).toSorted()).toEqual(["key", "link"]);
});

test("a link at the path is replaced and what it points to is untouched", async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, "precious"), "precious");
  await symlink(join(dir, "precious"), join(dir, "state"));
  await writeAtomic(join(dir, "state"), Buffer.from("new"));
  expect(await readFile(join(dir, "precious"), "utf8")).toBe("precious");
});

test("a write that fails leaves the old file and nothing else", async () => {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "folder"));
  await expect(writeAtomic(join(dir, "folder"), Buffer.from("x"))).rejects.toThrow("EISDIR");
  expect(await readdir(dir)).toEqual(["folder"]);
});

test("a file over its bound, a folder, a FIFO and a link are refused without waiting", async () => {
  const dir = await temporaryFolder();
  const at = (name: string): string => join(dir, name);
  await writeFile(at("long"), "12345");
  await mkdir(at("folder"));
  execFileSync("mkfifo", [at("fifo")]);
  await symlink(at("long"), at("link"));
  await expect(readBounded(at("long"), 4)).rejects.toMatchObject({ code: "too-large" });
  await expect(readBounded(at("folder"), 4)).rejects.toMatchObject({ code: "not-a-file" });
  await expect(readBounded(at("fifo"), 4)).rejects.toMatchObject({ code: "not-a-file" });
  await expect(readBounded(at("link"), 9)).rejects.toMatchObject({ code: "ELOOP" });
  await expect(readBounded(at("none"), 9)).rejects.toMatchObject({ code: "ENOENT" });
  expect((await readBounded(at("long"), 5)).toString()).toBe("12345");
});
