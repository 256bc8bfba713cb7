import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { idOf } from "./contract.ts";

const root = lacking("root");
/** Says that it runs, and waits for a line. */
const shell = "/bin/sh";
const waits = "echo ready; read line; exec /bin/sleep 1000";
let platform: Platform;
let base: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  platform = await selectPlatform();
  base = mkdtempSync(join(tmpdir(), "edict-disguise-"));
  chmodSync(base, 0o755);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
});

/** Starts a program by any path, through a link with a harmless name: Node gives spawn only text. */
async function start(program: Buffer | string, argv0 = "sh"): Promise<ChildProcess & { pid: number }> {
  const link = join(base, `link${started.length}`);
  symlinkSync(program, link);
  const child = spawn(link, ["-c", waits], { argv0, stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  await once(child.stdout, "data");
  return Object.assign(child, { pid: child.pid ?? 0 });
}

async function inspect(pid: number) {
  const detail = await platform.inspect(pid);
  if (detail === undefined) throw new Error(`process ${pid} is gone`);
  return detail;
}

function copyTo(path: Buffer | string): Buffer | string {
  copyFileSync(shell, path);
  chmodSync(path, 0o755);
  return path;
}

test("a program started through a link under another name is known by its real path", async () => {
  const { pid } = await start(copyTo(join(base, "tool")), "something else\n\u001b[31m");
  const { program, process: p } = await inspect(pid);
  expect(program.path).toBe(join(base, "tool"));
  expect(p.argv?.[0]).toBe("something else\n\u001b[31m");
});

test.each([
  ["newline and escape", Buffer.from("a\n\u001b[31m)( R 1 1")],
  ["invalid UTF-8", Buffer.from("caf\xe9\xff", "latin1")],
  ["255 bytes", Buffer.alloc(255, "x")],
  ["the kernel's own suffix", Buffer.from("tool (deleted)")],
])("a program's name may be anything: %s", async (_, name) => {
  const path = Buffer.concat([Buffer.from(`${base}/`), name]);
  const { pid } = await start(copyTo(path));
  const { program, sameMounts } = await inspect(pid);
  const bytes = program.pathBytes === undefined ? Buffer.from(program.path) : Buffer.from(program.pathBytes, "base64");
  expect(bytes).toEqual(path);
  expect(program.ino).toBe(String(statSync(path, { bigint: true }).ino));
  expect(sameMounts).toBe(true);
  expect((await platform.processes()).find((row) => row.pid === pid)).toMatchObject({ ppid: process.pid });
});

test("a path of 4 KiB, and one too long for the kernel to name, are no place to hide", async () => {
  let folder = base;
  while (folder.length + 201 < 4000) {
    folder = join(folder, "d".repeat(200));
    mkdirSync(folder);
  }
  const long = copyTo(join(folder, "tool"));
  const one = await start(long);
  expect((await inspect(one.pid)).program.path).toBe(long);
  // Moving the top folder makes every path under it longer than PATH_MAX.
  const top = join(base, "d".repeat(200));
  const deeper = join(base, ...["e", "f", "g"].map((letter) => letter.repeat(200)));
  mkdirSync(deeper, { recursive: true });
  renameSync(top, join(deeper, "d"));
  const detail = await inspect(one.pid);
  expect(detail.program.path).toBe(`/proc/${one.pid}/exe`);
  expect((await platform.processes()).some((row) => row.pid === one.pid)).toBe(true);
  const held = platform.hold(idOf(detail));
  expect(held?.signal("KILL")).toBe("sent");
  expect(await held?.ended(10_000)).toBe(true);
  held?.close();
});

test("a program that was deleted keeps its name, and its bytes can still be read", async () => {
  const path = join(base, "tool");
  const { pid } = await start(copyTo(path));
  unlinkSync(path);
  const { program, image } = await inspect(pid);
  expect(program).toMatchObject({ path, nlink: 0 });
  expect(statSync(image).size).toBe(statSync(shell).size);
  copyTo(`${path} (deleted)`); // a decoy that has the kernel's words in its name
  expect((await inspect(pid)).program.path).toBe(path);
});

test("a held process that runs another program meanwhile is not signalled", async () => {
  const child = await start(copyTo(join(base, "tool")));
  const before = await inspect(child.pid);
  const held = platform.hold(idOf(before));
  child.stdin?.write("go\n");
  await expect.poll(async () => (await inspect(child.pid)).program.path, { timeout: 10_000 }).toMatch(/sleep$/);
  const after = await inspect(child.pid);
  expect(after.process.start).toBe(before.process.start);
  expect(held?.signal("KILL")).toBe("changed");
  expect(platform.hold(idOf(before))).toBeUndefined();
  held?.close();
  expect(await platform.inspect(child.pid)).toBeDefined();
});

test("a sweep notices that a process became another program", async () => {
  const child = await start(copyTo(join(base, "tool")));
  const path = async (): Promise<string | undefined> =>
    (await platform.processes()).find(({ pid }) => pid === child.pid)?.path;
  expect(await path()).toBe(join(base, "tool"));
  child.stdin?.write("go\n");
  await expect.poll(path, { timeout: 10_000 }).toMatch(/sleep$/);
});

test("a sweep notices another program of the same name in the same process", async () => {
  mkdirSync(join(base, "other"));
  copyTo(join(base, "other/tool"));
  const again = `echo ready; read line; exec ${base}/other/tool -c 'echo ready; read line'`;
  const child = spawn(String(copyTo(join(base, "tool"))), ["-c", again], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  await once(child.stdout, "data");
  const path = async (): Promise<string | undefined> =>
    (await platform.processes()).find(({ pid }) => pid === child.pid)?.path;
  expect(await path()).toBe(join(base, "tool"));
  child.stdin.write("go\n");
  await once(child.stdout, "data");
  expect(await path()).toBe(join(base, "other/tool"));
});

test("arguments of a megabyte do not stop a sweep, and are cut for the evidence", async () => {
  const much = Array.from({ length: 10 }, () => "x".repeat(100_000));
  const child = spawn(shell, ["-c", waits, ...much], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  await once(child.stdout, "data");
  expect((await platform.processes()).some((row) => row.pid === child.pid)).toBe(true);
  const { argvBytes } = await inspect(child.pid ?? 0);
  expect(Buffer.concat([...argvBytes]).length).toBeLessThan(300_000);
});

test("a thousand processes that come and go at once never make a look fail", async () => {
  const children = spawn(shell, ["-c", "for i in $(seq 1000); do /bin/true & done; wait; echo done"]);
  started.push(children);
  let looked = 0;
  while (children.exitCode === null) {
    for (const { pid } of (await platform.processes()).filter(({ ppid }) => ppid === children.pid)) {
      const detail = await platform.inspect(pid);
      if (detail !== undefined) platform.hold(idOf(detail))?.close();
      looked += 1;
    }
    await platform.tree(children.pid ?? 0);
    await turn(); // looks answer at once: without a turn of the event loop nobody hears that the shell has ended
  }
  expect(looked).toBeGreaterThan(0);
});

test.skipIf(root)("a process with file systems of its own does not pass for one with ours", async () => {
  const child = spawn("/usr/bin/unshare", ["--mount", shell, "-c", waits], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  await once(child.stdout, "data");
  expect((await inspect(child.pid ?? 0)).sameMounts).toBe(false);
});

test.skipIf(root)("a process with a root folder of its own does not pass for one with ours", async () => {
  const jail = join(base, "jail");
  mkdirSync(join(jail, "usr"), { recursive: true });
  for (const name of ["bin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(jail, name));
  execFileSync("/bin/mount", ["--bind", "/usr", join(jail, "usr")]);
  try {
    const child = spawn("/usr/sbin/chroot", [jail, shell, "-c", waits], { stdio: ["pipe", "pipe", "inherit"] });
    started.push(child);
    await once(child.stdout, "data");
    expect((await inspect(child.pid ?? 0)).sameMounts).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
  } finally {
    execFileSync("/bin/umount", ["--lazy", join(jail, "usr")]);
  }
});
