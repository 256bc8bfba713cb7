import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deviceText } from "#platform/linux/proc.ts";
import type { Platform } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { selectPlatform } from "#platform/select.ts";
import { idOf } from "./contract.ts";

let platform: Platform;
let base: string;
beforeEach(async () => {
  platform = await selectPlatform();
  base = mkdtempSync(join(tmpdir(), "edict-vital-"));
});
afterEach(() => rmSync(base, { recursive: true }));

function seen(path: string): FileSeen {
  const stats = statSync(path, { bigint: true });
  return { path, dev: deviceText(stats.dev), ino: String(stats.ino) };
}

test("shells, the loader, init and whatever mends the machine are vital, by every path that leads to them", async () => {
  const paths = (await platform.vital()).map(({ path }) => path);
  const wanted = ["/bin/sh", "/usr/bin/bash", "/usr/bin/dpkg", "/bin/mount", "/usr/bin/su", "/usr/bin/login"];
  for (const path of wanted.filter((p) => existsSync(p))) {
    expect(paths).toContain(realpathSync(path));
    expect(platform.isVital(seen(path))).toBe(true);
  }
  expect(paths.some((path) => path.includes("/ld-"))).toBe(true);
});

test("editors, interpreters and other tools of the system are not", async () => {
  const paths = (await platform.vital()).map(({ path }) => path);
  expect(paths.filter((path) => /\/(?:vim|nano|python|perl|git|curl)[^/]*$/.test(path))).toEqual([]);
  expect(platform.isVital(seen("/usr/bin/perl"))).toBe(false);
});

test("a copy of a vital program is not vital", () => {
  copyFileSync("/bin/sh", join(base, "sh"));
  chmodSync(join(base, "sh"), 0o755);
  expect(platform.isVital(seen(join(base, "sh")))).toBe(false);
});

test("another file that is said to be at a vital path is not vital", () => {
  expect(platform.isVital({ ...seen("/bin/sh"), ino: "1" })).toBe(false);
  expect(platform.isVital({ path: "/bin/sh" })).toBe(false);
  expect(platform.isVital({ ...seen("/bin/sh"), path: join(base, "no-such-file") })).toBe(false);
});

test("what runs as a shell from a vital file is recognised by what inspect says of it", async () => {
  const child = spawn("/bin/sh", ["-c", "echo ready; read line"]);
  await once(child.stdout, "data");
  const detail = await platform.inspect(child.pid ?? 0);
  child.kill("SIGKILL");
  if (detail === undefined) throw new Error("it is gone");
  const { dev, ino } = idOf(detail);
  expect((await platform.vital()).some((file) => file.dev === dev && file.ino === ino)).toBe(true);
  expect(platform.isVital(detail.program)).toBe(true);
});
