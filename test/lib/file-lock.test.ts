import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "#lib/file-lock.ts";
import { temporaryFolder } from "./temporary.ts";

test("two who want the same lock work one after the other", async () => {
  const dir = await temporaryFolder();
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await readdir(dir);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(join(dir, "lock"), 30_000, work)));
  expect(most).toBe(1);
  expect(await readdir(dir)).toEqual([]);
});

test("a lock whose holder lives is waited for, and the holder named", async () => {
  const file = join(await temporaryFolder(), "lock");
  await withLock(file, 0, async () => {
    await expect(withLock(file, 50, () => Promise.resolve())).rejects.toThrow(`held by process ${process.pid}`);
  });
});

test("a lock whose holder was killed is broken at once", async () => {
  const file = join(await temporaryFolder(), "lock");
  const code = `import { withLock } from ${JSON.stringify(new URL("../../src/lib/file-lock.ts", import.meta.url).href)};
    await withLock(process.argv[1], 0, async () => { process.kill(process.pid, "SIGKILL"); await new Promise(() => {}); });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code, file], { stdio: "inherit" });
  await once(child, "exit");
  expect(await readFile(file, "utf8")).toContain(` ${child.pid} `);
  expect(await withLock(file, 0, () => Promise.resolve("mine"))).toBe("mine");
});

test.each(["text", "folder", "fifo"])("a %s in the lock's place does not keep anybody out for ever", async (what) => {
  const file = join(await temporaryFolder(), "lock");
  if (what === "text") await writeFile(file, "");
  if (what === "folder") await mkdir(file);
  if (what === "fifo") execFileSync("mkfifo", [file]);
  expect(await withLock(file, 0, () => Promise.resolve("mine"))).toBe("mine");
});

test("whoever has the lock sweeps what others left who were killed on the way to it, and nothing of who waits", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "lock");
  const dead = "4194304000.1.00000000-0000-4000-8000-000000000000.tmp";
  for (const name of ["lock", "other"]) await writeFile(join(dir, `${name}.${dead}`), "");
  const all = Array.from({ length: 8 }, (_, i) => withLock(file, 30_000, () => Promise.resolve(i)));
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(await readdir(dir)).toEqual([`other.${dead}`]);
});
