import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolderReader } from "#platform/linux/folder-reader.ts";
import { folder } from "../observe/place.ts";

const reader = createFolderReader();

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

test("what is not there is nothing, and what is no folder or a link says so", () => {
  const home = folder();
  writeFileSync(join(home, "file"), "");
  symlinkSync(home, join(home, "link"));
  expect(read(join(home, "nowhere"), true)).toBeUndefined();
  for (const name of ["file", "link"]) expect(() => read(join(home, name), true)).toThrow("ENOTDIR");
  expect(() => read(`${home}/${"folder/".repeat(1_000)}`, true)).toThrow("ENAMETOOLONG");
});
