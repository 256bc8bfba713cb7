import { execFileSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolderReader } from "#platform/linux/folder-reader.ts";
import { runsByMode } from "#platform/linux/runnable.ts";
import { lacking } from "../needs.ts";
import { folder } from "../observe/place.ts";

const reader = createFolderReader();

function isMountable(): boolean {
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function read(path: string, files: boolean) {
  const found = reader(path, files);
  return found && { ...found, folders: found.folders.toSorted(), programs: found.programs.toSorted() };
}

test("a folder gives its folders, links and runnable files, and counts all that it holds", () => {
  const home = folder();
  mkdirSync(join(home, "sub"));
  symlinkSync("sub", join(home, "link"));
  symlinkSync("nowhere", join(home, "dangling"));
  writeFileSync(join(home, "program"), "", { mode: 0o755 });
  writeFileSync(join(home, "for-others"), "", { mode: 0o601 });
  writeFileSync(join(home, "text"), "", { mode: 0o644 });
  writeFileSync(Buffer.concat([Buffer.from(`${home}/`), Buffer.of(0xff, 0x0a, 0x20)]), "", { mode: 0o700 });
  execFileSync("/usr/bin/mkfifo", ["-m", "777", join(home, "fifo")]);
  expect(read(home, false)).toEqual({ folders: ["sub"], programs: ["dangling", "link"], passed: 10 });
  expect(read(home, true)?.programs).toEqual(["dangling", "for-others", "link", "program", "\u00ff\n "]);
});

test("a folder of more entries than one call gives is read to its end", () => {
  const home = folder();
  for (let i = 0; i < 5_000; i += 1) mkdirSync(join(home, `folder-with-a-rather-long-name-${i}`));
  expect(read(home, true)).toEqual({ folders: readdirSync(home).toSorted(), programs: [], passed: 5_002 });
});

test("names come in the order of their inodes, which is that of the disk", () => {
  const home = folder();
  const inodes = new Map(
    Array.from({ length: 200 }, (_, i) => {
      const path = join(home, `${(i * 7919) % 200}`);
      if (i % 2 === 0) mkdirSync(path);
      else writeFileSync(path, "", { mode: 0o755 });
      return [String((i * 7919) % 200), lstatSync(path).ino];
    }),
  );
  const found = reader(home, true);
  for (const names of [found?.folders ?? [], found?.programs ?? []]) {
    expect(names).toHaveLength(100);
    expect(names).toEqual(names.toSorted((a, b) => (inodes.get(a) ?? 0) - (inodes.get(b) ?? 0)));
  }
});

test("whoever asks, a file is given where anybody may execute it, whatever its mode, its owner and its group", () => {
  const home = folder();
  const expected: string[] = [];
  for (let mode = 0; mode < 0o10000; mode += 7) {
    const path = join(home, mode.toString(8));
    writeFileSync(path, "");
    if (process.getuid?.() === 0) chownSync(path, mode % 3 === 0 ? 0 : 12_345, mode % 2 === 0 ? 0 : 12_345);
    chmodSync(path, mode);
    if ((lstatSync(path).mode & 0o111) !== 0) expected.push(mode.toString(8));
  }
  expect(expected.length).toBeGreaterThan(400);
  expect(read(home, true)?.programs).toEqual(expected.toSorted());
});

const noMount = lacking("root") ?? (isMountable() ? undefined : "no tmpfs can be mounted here");
if (noMount !== undefined) console.warn(`skipped: ${noMount}`);

test.skipIf(noMount !== undefined)(
  "on a disk from which nothing may be run, a file's mode still says what it is",
  () => {
    const home = folder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "noexec,size=64k", "tmpfs", home]);
    try {
      writeFileSync(join(home, "program"), "", { mode: 0o755 });
      writeFileSync(join(home, "text"), "", { mode: 0o644 });
      expect(() => accessSync(join(home, "program"), constants.X_OK)).toThrow("EACCES");
      expect(read(home, true)?.programs).toEqual(["program"]);
    } finally {
      execFileSync("umount", [home]);
    }
  },
);

test.each([
  { what: "ext4", type: 0xef53, flags: 0x20, is: true },
  { what: "ext4 from which nothing may be run", type: 0xef53, flags: 0x28, is: false },
  { what: "one of a kernel that says nothing of it", type: 0xef53, flags: 0, is: false },
  { what: "NFS, where another machine decides", type: 0x6969, flags: 0x20, is: false },
  { what: "FUSE, where a program does", type: 0x65735546, flags: 0x20, is: false },
])("of a filesystem that is $what it is $is that modes say what runs", ({ type, flags, is }) => {
  const statfs = new Uint32Array(30);
  statfs.set([type], 0);
  statfs.set([flags], 20);
  expect(runsByMode(statfs)).toBe(is);
});

test("what is not there is nothing, and what is no folder or a link says so", () => {
  const home = folder();
  writeFileSync(join(home, "file"), "");
  symlinkSync(home, join(home, "link"));
  expect(read(join(home, "nowhere"), true)).toBeUndefined();
  for (const name of ["file", "link"]) expect(() => read(join(home, name), true)).toThrow("ENOTDIR");
  expect(() => read(`${home}/${"folder/".repeat(1_000)}`, true)).toThrow("ENAMETOOLONG");
});
