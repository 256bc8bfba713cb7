import { expect, test } from "vitest";
import { parseInfoPlist } from "#observe/readers/plist.ts";
import { hostile } from "./seam.ts";

const xml = (inside: string): Buffer =>
  Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>${inside}</dict></plist>`);

const real = xml(`
	<key>BuildMachineOSBuild</key><string>24A335</string>
	<key>CFBundleDocumentTypes</key>
	<array><dict><key>CFBundleIdentifier</key><string>not.this.one</string></dict></array>
	<key>CFBundleExecutable</key><string>Cursor</string>
	<key>CFBundleIdentifier</key><string>com.todesktop.230313mzl4w4u92</string>
	<key>CFBundleName</key><string>Cursor &amp; 游标</string>
	<key>CFBundleShortVersionString</key><string>1.7.2</string>
	<key>LSRequiresNativeExecution</key><true/>`);

const cursor = {
  identifier: "com.todesktop.230313mzl4w4u92",
  name: "Cursor & 游标",
  version: "1.7.2",
  executable: "Cursor",
};

/** A binary property list of one dictionary (CFBinaryPList.c): texts, and a number, which has no text. */
function binary(texts: Readonly<Record<string, string>>): Buffer {
  const flat = Object.entries(texts);
  const objects = [...flat.map(([key]) => key), ...flat.map(([, value]) => value)].map(encoded);
  const dictionary = Buffer.from([0xd0 + flat.length, ...objects.keys().map((i) => i + 1)]);
  const all = [dictionary, ...objects];
  const offsets = all.map((_, i) => 8 + Buffer.concat(all.slice(0, i)).length);
  const table = Buffer.concat(offsets.map((at) => Buffer.from([at >> 8, at & 0xff])));
  const trailer = Buffer.alloc(32);
  trailer.set([2, 1], 6);
  trailer.writeBigUInt64BE(BigInt(all.length), 8);
  trailer.writeBigUInt64BE(BigInt(8 + Buffer.concat(all).length), 24);
  return Buffer.concat([Buffer.from("bplist00"), ...all, table, trailer]);
}

function encoded(text: string): Buffer {
  const ascii = Buffer.from(text).every((byte) => byte < 0x80);
  const bytes = ascii ? Buffer.from(text) : Buffer.from(text, "utf16le").swap16();
  const kind = ascii ? 0x50 : 0x60;
  const head = text.length < 15 ? [kind + text.length] : [kind + 15, 0x10, text.length];
  return Buffer.concat([Buffer.from(head), bytes]);
}

const inBinary = binary({
  CFBundleIdentifier: cursor.identifier,
  CFBundleName: cursor.name,
  CFBundleShortVersionString: cursor.version,
  CFBundleExecutable: cursor.executable,
});

test("a bundle says its identifier, its name, its version and its program, in both forms", () => {
  expect(parseInfoPlist(real)).toEqual(cursor);
  expect(parseInfoPlist(inBinary)).toEqual(cursor);
});

test("a program that would lie elsewhere is none, and without an identifier it is no bundle", () => {
  const name = "<key>CFBundleIdentifier</key><string>a.b</string>";
  const executable = "<key>CFBundleExecutable</key><string>../../../bin/sh</string>";
  expect(parseInfoPlist(xml(name + executable))).toMatchObject({ identifier: "a.b", executable: undefined });
  expect(parseInfoPlist(xml(executable))).toBeUndefined();
  expect(parseInfoPlist(xml("<key>CFBundleIdentifier</key><integer>5</integer>"))).toBeUndefined();
  expect(parseInfoPlist(Buffer.from("{}"))).toBeUndefined();
});

test("a dictionary that refers to itself, or has more than it could, is read no further", () => {
  const self = Buffer.from(inBinary);
  self.fill(0, 9, 17); // all references lead to the dictionary
  expect(parseInfoPlist(self)).toBeUndefined();
  const behind = Buffer.from(inBinary);
  behind.writeUInt8(9, 13); // the identifier is the tenth of nine objects
  expect(parseInfoPlist(behind)).toBeUndefined();
  const many = Buffer.from(inBinary);
  many.writeBigUInt64BE(2n ** 60n, many.length - 24);
  expect(parseInfoPlist(many)).toBeUndefined();
});

test("cut or spoilt lists are read without an exception", () => {
  for (const list of [real, inBinary]) expect(hostile(list, parseInfoPlist)).toBeGreaterThan(4000);
});
