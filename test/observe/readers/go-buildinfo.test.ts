import { expect, test } from "vitest";
import { readGoBuild } from "#observe/readers/go-buildinfo.ts";
import type { Range } from "#observe/reads.ts";
import { sectioned } from "../sectioned.ts";
import { fat, mach } from "./mach.ts";
import { onFile, packed } from "./packed.ts";
import { portable } from "./portable.ts";
import { hostile, seam } from "./seam.ts";

const read = (bytes: Uint8Array) => seam(bytes, readGoBuild(bytes.length));

/** A text behind its length, in two groups of seven bits. */
function text(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(content.length & 0x7f) | 0x80, content.length >> 7]), content]);
}

/** What the linker writes (Go, debug/buildinfo): a mark, a flag, two texts behind their lengths. */
function blob(info: string, flags = 2): Buffer {
  const head = Buffer.alloc(32);
  head.write("\xff Go buildinf:\x08", "latin1");
  head.writeUInt8(flags, 15);
  const marked = Buffer.concat([Buffer.alloc(16, 1), Buffer.from(info), Buffer.alloc(16, 2)]);
  return Buffer.concat([head, text(Buffer.from("go1.26.8")), text(marked), Buffer.alloc(64)]);
}

const crush = { go: "go1.26.8", path: "example.com/crush/cmd", module: "example.com/crush", version: "v1.2.3" };
const info = "path\texample.com/crush/cmd\nmod\texample.com/crush\tv1.2.3\th1:abc=\ndep\tx\tv1\th1:def=\n";

function elf(content: Buffer): Buffer {
  const { bytes, sections } = sectioned(4096, [{ name: ".go.buildinfo", offset: 512, size: content.length }]);
  content.copy(bytes, sections[0]?.offset);
  return bytes;
}

function windows(content: Buffer): Buffer {
  const bytes = portable();
  const padded = Buffer.concat([Buffer.alloc(48), content]);
  bytes.writeUInt32LE(0xc000_0040, 0x98 + 240 + 36); // the first section is data that may be written to
  return Buffer.concat([bytes.subarray(0, 0x400), padded, bytes.subarray(0x400 + padded.length)]);
}

test.each([
  ["ELF", elf(blob(info))],
  ["PE", windows(blob(info))],
  ["Mach-O", mach({ data: blob(info) })],
  ["a fat Mach-O", fat(mach({ data: blob("") }), mach({ data: blob(info) }))],
])("a program of Go in %s says its module and its version", (_, bytes) => {
  expect(read(bytes)).toEqual(crush);
});

const tsgolint = {
  path: "github.com/typescript-eslint/tsgolint/cmd/tsgolint",
  module: "github.com/typescript-eslint/tsgolint",
};

test.for([
  ["linux-x64", "tsgolint"] as const,
  ["win32-x64", "tsgolint.exe"] as const,
  ["darwin-arm64", "tsgolint"] as const,
])("a real program of Go for %s says its module, and little of it is read", ([system, file], context) => {
  const path = packed(`@oxlint-tsgolint/${system}`, file);
  if (path === undefined) return context.skip("npm cannot fetch it");
  const { value, read: bytes } = onFile(path, readGoBuild);
  expect(value).toMatchObject(tsgolint);
  expect(value?.version).toMatch(/^v0\./);
  expect(bytes).toBeLessThan(2.2 * 1024 * 1024);
});

test("a program of an older Go, with less than it says, or without a main package says nothing", () => {
  expect(read(elf(blob(info, 0)))).toBeUndefined();
  expect(read(elf(blob("mod\texample.com/crush\tv1\n")))).toBeUndefined();
  expect(read(elf(blob(info).subarray(0, 60)))).toBeUndefined();
  expect(read(sectioned(4096, [{ name: ".data", offset: 512, size: 64 }]).bytes)).toBeUndefined();
});

test("a program with thousands of such sections is read no longer for them", () => {
  const many = Array.from({ length: 1000 }, () => ({ name: ".go.buildinfo", offset: 512, size: 50_000 }));
  const asked: Range[] = [];
  const { bytes } = sectioned(200_000, many);
  expect(seam(bytes, readGoBuild(bytes.length), asked)).toBeUndefined();
  expect(asked.length).toBeLessThan(8);
});

test("cut or spoilt programs are read without an exception, and never past their end", () => {
  for (const bytes of [elf(blob(info)), windows(blob(info)), mach({ data: blob(info) })])
    expect(hostile(bytes, read, 2000)).toBeGreaterThan(2000);
});
