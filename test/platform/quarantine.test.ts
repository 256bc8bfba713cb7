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

describe("what is put into quarantine", () => {
  test("a package goes as a whole, and comes back as it was", async () => {
    const program = packageIn(join(base, "home"));
    const folder = dirname(dirname(program));
    const before = picture(folder);
    const kept = await platform.quarantine(seen(program), hall);
    expect(existsSync(folder)).toBe(false);
    expect(kept).toMatchObject({ from: folder, owner: process.getuid?.() });
    expect(await platform.inQuarantine(hall)).toEqual([kept]);
    expect(statSync(hall).mode & 0o777).toBe(0o700);
    const manifest: unknown = JSON.parse(readFileSync(join(hall, kept.id, "manifest.json"), "utf8"));
    const sha256 = createHash("sha256").update("#!/bin/sh\necho tool\n").digest("hex");
    expect(manifest).toMatchObject({
      state: "kept",
      kind: "package",
      path: folder,
      entries: expect.arrayContaining([{ path: "bin/tool", mode: 0o755, size: 20, sha256 }]) as unknown,
    });
    expect(await platform.restore(kept.id, hall)).toEqual(kept);
    expect(picture(folder)).toEqual(before);
    expect(readdirSync(hall)).toEqual([]);
  });

  test("the innermost package of a file goes, and the one around it stays", async () => {
    const outer = packageIn(join(base, "home"), "outer");
    const inner = packageIn(dirname(dirname(outer)), "inner");
    await platform.quarantine(seen(inner), hall);
    expect(existsSync(inner)).toBe(false);
    expect(existsSync(outer)).toBe(true);
  });

  test("an editor's extension goes as a whole", async () => {
    const folder = join(base, "home/.vscode/extensions/vendor.tool-1.2.3");
    mkdirSync(join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ publisher: "Vendor", name: "tool" }));
    writeFileSync(join(folder, "dist/main.js"), "");
    const kept = await platform.quarantine(seen(join(folder, "dist/main.js")), hall);
    expect(kept.from).toBe(folder);
    expect(existsSync(folder)).toBe(false);
  });

  test("a program outside any package goes alone", async () => {
    mkdirSync(join(base, "bin"));
    writeFileSync(join(base, "bin/tool"), "x", { mode: 0o755 });
    writeFileSync(join(base, "bin/other"), "x", { mode: 0o755 });
    expect((await platform.quarantine(seen(join(base, "bin/tool")), hall)).from).toBe(join(base, "bin/tool"));
    expect(readdirSync(join(base, "bin"))).toEqual(["other"]);
  });

  test("a folder that only looks like a package is not taken for one", async () => {
    const program = packageIn(join(base, "home"), "tool", { name: "something-else" });
    expect((await platform.quarantine(seen(program), hall)).from).toBe(program);
    expect(existsSync(join(dirname(dirname(program)), "package.json"))).toBe(true);
  });

  test("a name that is not UTF-8 comes back byte for byte", async () => {
    const path = Buffer.concat([Buffer.from(`${base}/t`), Buffer.of(0xff, 0x0a), Buffer.from("ol")]);
    writeFileSync(path, "x", { mode: 0o755 });
    const kept = await platform.quarantine({ path: path.toString(), pathBytes: path.toString("base64") }, hall);
    expect(existsSync(path)).toBe(false);
    await platform.restore(kept.id, hall);
    expect(existsSync(path)).toBe(true);
  });
});

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

  test.skipIf(root)("a package in which a folder of the same filesystem is mounted", async () => {
    const program = packageIn(join(base, "home"));
    const mount = join(dirname(program), "mounted");
    mkdirSync(mount);
    mkdirSync(join(base, "other"));
    execFileSync("/usr/bin/mount", ["--bind", join(base, "other"), mount]);
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
