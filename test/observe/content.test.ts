import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ContentReader } from "#observe/content.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { openRegular } from "#observe/read-file.ts";
import { readSections } from "#observe/readers/elf.ts";
import { readFrom } from "#observe/reads.ts";
import type { Needle } from "#policy/evidence.ts";
import { folder, wanting, write } from "./place.ts";

const text = "com.example.marker";
const mebibyte = 1024 * 1024;

async function found(path: string, ...needles: readonly Needle[]) {
  const raw = rawFromText(path);
  const opened = raw === undefined ? { unread: "no path" } : await openRegular(raw);
  if ("unread" in opened) throw new Error(opened.unread);
  try {
    const { marker } = await new ContentReader(wanting({ needles })).read(opened);
    return "value" in marker ? marker.value : marker;
  } finally {
    await opened.file.close();
  }
}

const anywhere: Needle = { bytes: text, encoding: "utf8", where: "anywhere" };
const wide: Needle = { bytes: text, encoding: "utf16le", where: "anywhere" };
const tail: Needle = { bytes: text, encoding: "utf8", where: "tail" };
const section = (name: string, bytes = text): Needle => ({
  bytes,
  encoding: "utf8",
  where: "elf-section",
  section: name,
});

function read(bytes: Buffer) {
  return readFrom(bytes, readSections(bytes.length));
}

test("a marker is found at the beginning, at the end, and across the pieces that a file is read in", async () => {
  const home = folder();
  for (const at of [0, 1, mebibyte - 9, mebibyte, 2 * mebibyte - 1, 3 * mebibyte - text.length]) {
    const bytes = Buffer.alloc(3 * mebibyte);
    bytes.write(text, at);
    expect([at, await found(write(join(home, "file"), bytes), anywhere, wide)]).toEqual([at, [anywhere]]);
  }
  expect(await found(write(join(home, "wide"), Buffer.from(`x${text}`, "utf16le")), anywhere, wide)).toEqual([wide]);
  expect(await found(write(join(home, "empty"), ""), anywhere)).toEqual({ absent: true });
});

test("a marker of the tail counts in the last mebibyte only", async () => {
  const home = folder();
  const bytes = Buffer.alloc(2 * mebibyte);
  bytes.write(text, 10);
  expect(await found(write(join(home, "head"), bytes), tail, anywhere)).toEqual([anywhere]);
  bytes.write(text, mebibyte);
  expect(await found(write(join(home, "tail"), bytes), tail)).toEqual([tail]);
});

test("a marker of a section counts in that section of a program, and nowhere else", async () => {
  const home = folder();
  const program = readFileSync("/bin/sleep");
  const sections = read(program);
  const rodata = sections.find((s) => s.name === ".rodata");
  if (rodata === undefined) throw new Error("/bin/sleep has no .rodata");
  const changed = Buffer.from(program);
  changed.write(text, rodata.offset);
  const path = write(join(home, "program"), changed);
  expect(await found(path, section(".rodata"), section(".text"), anywhere)).toEqual([section(".rodata"), anywhere]);
  const appended = write(join(home, "appended"), Buffer.concat([program, Buffer.from(text)]));
  expect(await found(appended, section(".rodata"))).toEqual({ absent: true });
  expect(await found(write(join(home, "text"), text), section(".rodata"))).toEqual({ absent: true });
});

test("a broken program has no sections: nothing it says about itself is believed", () => {
  const program = readFileSync("/bin/sleep");
  expect(read(program).map((s) => s.name)).toEqual(expect.arrayContaining([".text", ".rodata", ".dynsym"]));
  for (const length of [0, 4, 51, 63, 64, 1000]) expect(read(program.subarray(0, length))).toEqual([]);
  for (let at = 16; at < 64; at += 1) {
    const broken = Buffer.from(program);
    broken[at] = 0xff;
    for (const { offset, size } of read(broken)) expect(offset + size).toBeLessThanOrEqual(program.length);
  }
});
