import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolderReader } from "#platform/linux/folder-reader.ts";
import type { FolderEntry } from "#platform/platform.ts";
import { folder } from "../observe/place.ts";

const reader = createFolderReader();

function kindOf(entry: FolderEntry): string {
  return entry.isDirectory() ? "folder" : entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "nothing";
}

function read(path: string, files: boolean) {
  const parts = [...reader.read(Buffer.from(path), files)];
  const entries = parts.flatMap((part) => part.entries).map((entry) => `${kindOf(entry)} ${entry.name}`);
  return { entries: entries.toSorted(), passed: parts.reduce((sum, part) => sum + part.passed, 0) };
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
  const folders = ["folder sub", "link dangling", "link link"];
  expect(read(home, false)).toEqual({ entries: folders, passed: 10 });
  const files = ["file for-others", "file program", "file \u00ff\n "];
  expect(read(home, true).entries).toEqual([...folders, ...files].toSorted());
});

test("a folder of more entries than one call gives is read to its end", () => {
  const home = folder();
  for (let i = 0; i < 5_000; i += 1) mkdirSync(join(home, `folder-with-a-rather-long-name-${i}`));
  const { entries, passed } = read(home, true);
  expect(entries).toEqual(
    readdirSync(home)
      .map((name) => `folder ${name}`)
      .toSorted(),
  );
  expect(passed).toBe(5_002);
});

test("what is not there is empty, and what is no folder or a link says so", () => {
  const home = folder();
  writeFileSync(join(home, "file"), "");
  symlinkSync(home, join(home, "link"));
  expect(read(join(home, "nowhere"), true)).toEqual({ entries: [], passed: 0 });
  for (const name of ["file", "link"]) expect(() => read(join(home, name), true)).toThrow("ENOTDIR");
});
