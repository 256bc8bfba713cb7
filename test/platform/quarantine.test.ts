import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PlatformError, type Platform } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { selectPlatform } from "#platform/select.ts";
import { own, packageIn, picture } from "./packages.ts";
import { lacking } from "../needs.ts";

const ann = 4242;
const root = lacking("root");
let base: string;
let platform: Platform;
let hall: string;
const mounts: string[] = [];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "edict-quarantine-"));
  chmodSync(base, 0o755);
  hall = join(base, "hall");
  platform = await selectPlatform();
});
afterEach(() => {
  for (const mount of mounts.splice(0)) execFileSync("/usr/bin/umount", [mount]);
  rmSync(base, { recursive: true, force: true });
});

function seen(path: string): FileSeen {
  return { path, ino: String(statSync(path).ino) };
}

/** How an attempt ends, and what it leaves. */
async function attempt(path: string, file: FileSeen = seen(path)): Promise<unknown> {
  const code = await platform.quarantine(file, hall).then(
    () => "taken",
    (error: unknown) => (error instanceof PlatformError ? error.code : error),
  );
  return { code, stays: existsSync(path), hall: existsSync(hall) ? readdirSync(hall) : [] };
}

describe("what is refused stays where it is", () => {
  test("a path through a symbolic link", async () => {
    const program = packageIn(join(base, "home"));
    symlinkSync(join(base, "home"), join(base, "link"));
    expect(await attempt(program.replace("/home/", "/link/"))).toEqual({ code: "link", stays: true, hall: [] });
  });

  test("a link in place of the program", async () => {
    writeFileSync(join(base, "target"), "x");
    symlinkSync(join(base, "target"), join(base, "tool"));
    expect(await attempt(join(base, "tool"))).toEqual({ code: "refused", stays: true, hall: [] });
  });

  test("a program with another name (hard link)", async () => {
    writeFileSync(join(base, "tool"), "x", { mode: 0o755 });
    linkSync(join(base, "tool"), join(base, "alias"));
    expect(await attempt(join(base, "tool"))).toEqual({ code: "refused", stays: true, hall: [] });
  });

  test("a file that is no longer the one that was seen", async () => {
    const program = packageIn(join(base, "home"));
    expect(await attempt(program, { path: program, ino: "1" })).toEqual({ code: "gone", stays: true, hall: [] });
  });

  test("a relative path, or one with dots in it", async () => {
    await expect(platform.quarantine({ path: "tool" }, hall)).rejects.toMatchObject({ code: "refused" });
    await expect(platform.quarantine({ path: `${base}/a/../tool` }, hall)).rejects.toMatchObject({ code: "refused" });
  });

  test("our own runtime, and whatever holds it", async () => {
    await expect(platform.quarantine({ path: process.execPath }, hall)).rejects.toMatchObject({ code: "refused" });
    expect(existsSync(process.execPath)).toBe(true);
  });

  test.skipIf(root)("a package with another user's file in it", async () => {
    const program = packageIn(join(base, "home"));
    chownSync(program, ann, ann);
    expect(await attempt(program)).toEqual({ code: "refused", stays: true, hall: [] });
  });

  test.skipIf(root)("a package in another user's folder", async () => {
    const program = packageIn(join(base, "home"));
    const folder = dirname(dirname(program));
    chownSync(dirname(folder), ann + 1, ann + 1);
    own(folder, ann);
    expect(await attempt(program)).toEqual({ code: "refused", stays: true, hall: [] });
  });

  test.skipIf(root)("a program of the system's packages", async () => {
    expect(await attempt("/usr/bin/dpkg")).toEqual({ code: "refused", stays: true, hall: [] });
    expect(await attempt("/usr/bin/vim.tiny", { path: "/usr/bin/vim.tiny" })).toEqual({
      code: "refused",
      stays: true,
      hall: [],
    });
  });

  test.skipIf(root)("a package in which something is mounted", async () => {
    const program = packageIn(join(base, "home"));
    const mount = join(dirname(program), "mounted");
    mkdirSync(mount);
    execFileSync("/usr/bin/mount", ["-t", "tmpfs", "none", mount]);
    mounts.push(mount);
    expect(await attempt(program)).toEqual({ code: "device", stays: true, hall: [] });
  });

  test.skipIf(root)("a quarantine that others can look into", async () => {
    const program = packageIn(join(base, "home"));
    mkdirSync(hall, { mode: 0o755 });
    expect(await attempt(program)).toEqual({ code: "refused", stays: true, hall: [] });
  });
});

describe("restoring", () => {
  test("is never over something that exists, and can be tried again", async () => {
    const program = packageIn(join(base, "home"));
    const folder = dirname(dirname(program));
    const { id } = await platform.quarantine(seen(program), hall);
    mkdirSync(folder);
    await expect(platform.restore(id, hall)).rejects.toMatchObject({ code: "exists" });
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
    await platform.restore(id, hall);
    expect(existsSync(program)).toBe(true);
  });

  test("does not go through a link that was put in the way", async () => {
    const program = packageIn(join(base, "home"));
    const { id } = await platform.quarantine(seen(program), hall);
    renameSync(join(base, "home"), join(base, "elsewhere"));
    symlinkSync(join(base, "elsewhere"), join(base, "home"));
    await expect(platform.restore(id, hall)).rejects.toMatchObject({ code: "link" });
    expect((await platform.inQuarantine(hall)).map((q) => q.id)).toEqual([id]);
  });

  test("takes ids, not paths", async () => {
    await expect(platform.restore("../../etc", hall)).rejects.toMatchObject({ code: "refused" });
    await expect(platform.restore("0198c0de-0000-7000-8000-000000000000", hall)).rejects.toMatchObject({
      code: "gone",
    });
  });

  test.skipIf(root)("a person's package keeps its person, and its folder must be that person's still", async () => {
    const program = packageIn(join(base, "home"));
    own(join(base, "home"), ann);
    const folder = dirname(dirname(program));
    const before = picture(folder);
    const kept = await platform.quarantine(seen(program), hall);
    expect(kept.owner).toBe(ann);
    chownSync(dirname(folder), 0, 0);
    await expect(platform.restore(kept.id, hall)).rejects.toMatchObject({ code: "refused" });
    chownSync(dirname(folder), ann, ann);
    await platform.restore(kept.id, hall);
    expect(picture(folder)).toEqual(before);
  });

  test.skipIf(root)("across filesystems nothing is lost: content, modes, times, links and owner", async () => {
    const home = join(base, "home");
    mkdirSync(home);
    execFileSync("/usr/bin/mount", ["-t", "tmpfs", "-o", "mode=755", "none", home]);
    mounts.push(home);
    const program = packageIn(home);
    chmodSync(program, 0o4755);
    own(home, ann);
    chmodSync(program, 0o4755);
    const folder = dirname(dirname(program));
    const before = picture(folder);
    const kept = await platform.quarantine(seen(program), hall);
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(dirname(folder))).toEqual([]);
    await platform.restore(kept.id, hall);
    expect(picture(folder)).toEqual(before);
    expect(readdirSync(dirname(folder))).toEqual(["tool"]);
    expect(readdirSync(hall)).toEqual([]);
  });

  test.skipIf(root)("a move that the machine's end interrupted is finished from where the files are", async () => {
    const program = packageIn(join(base, "home"));
    const folder = dirname(dirname(program));
    const { id } = await platform.quarantine(seen(program), hall);
    // As after a power cut in the middle of a copy: the manifest says so, the files wait beside their place.
    const manifest = join(hall, id, "manifest.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"kept"', '"moving"'));
    const stage = join(dirname(folder), `.edict-${id}`);
    mkdirSync(stage, { mode: 0o700 });
    renameSync(join(hall, id, "content"), join(stage, "content"));
    await platform.restore(id, hall);
    expect(existsSync(program)).toBe(true);
    expect(existsSync(stage)).toBe(false);
  });
});
