import { createHash } from "node:crypto";
import { certificateTable, indirectData, oid, signedData, type Identity, type Signing } from "./signing.ts";

/** A program of Windows of our own ("PE Format"): PE32+, one section with code, one with a version resource. */
export function portable(
  strings: Readonly<Record<string, string>> = {},
  certificates: Buffer = Buffer.alloc(0),
): Buffer {
  const resources = versionResource(strings, 0x3000);
  const [code, rsrc] = [0x400, 0x600];
  const end = rsrc + padded(resources.length, 0x200);
  const file = Buffer.alloc(end + certificates.length);
  file.write("MZ", 0, "latin1");
  file.writeUInt32LE(0x80, 0x3c);
  file.write("PE\0\0", 0x80, "latin1");
  file.writeUInt16LE(2, 0x86); // sections
  file.writeUInt16LE(240, 0x94); // size of the optional header
  const optional = 0x98;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(0x12345678, optional + 64); // checksum
  file.writeUInt32LE(16, optional + 108);
  file.writeUInt32LE(0x3000, optional + 112 + 16);
  file.writeUInt32LE(resources.length, optional + 112 + 20);
  if (certificates.length > 0) {
    file.writeUInt32LE(end, optional + 112 + 32);
    file.writeUInt32LE(certificates.length, optional + 112 + 36);
  }
  section(file, optional + 240, ".text", 0x1000, code, 0x200);
  section(file, optional + 280, ".rsrc", 0x3000, rsrc, end - rsrc);
  file.fill(0xcc, code, code + 0x200);
  resources.copy(file, rsrc);
  certificates.copy(file, end);
  return file;
}

/** A signed one; unsigned where nobody signs it. */
export function signedPortable(
  by: Identity | undefined,
  strings: Readonly<Record<string, string>> = {},
  change: Partial<Signing> = {},
): Buffer {
  const plain = portable(strings);
  if (by === undefined) return plain;
  const digest = createHash("sha256") // without its checksum, and the entry of its certificates
    .update(plain.subarray(0, 0x98 + 64))
    .update(plain.subarray(0x98 + 68, 0x98 + 144))
    .update(plain.subarray(0x98 + 152))
    .digest();
  const signing = { by, contentType: oid.indirectData, ...indirectData(digest), ...change };
  return portable(strings, certificateTable(signedData(signing)));
}

function section(file: Buffer, at: number, name: string, address: number, offset: number, size: number): void {
  file.write(name, at, "latin1");
  for (const [i, value] of [size, address, size, offset].entries()) file.writeUInt32LE(value, at + 8 + 4 * i);
}

function padded(length: number, to: number): number {
  return Math.ceil(length / to) * to;
}

/** Three directories of one entry each (type, name, language), the data's entry, the data. */
function versionResource(strings: Readonly<Record<string, string>>, address: number): Buffer {
  const data = versionInfo(strings);
  const head = Buffer.alloc(0x58);
  for (const [i, id] of [16, 1, 1033].entries()) {
    head.writeUInt16LE(1, 24 * i + 14);
    head.writeUInt32LE(id, 24 * i + 16);
    head.writeUInt32LE(i === 2 ? 0x48 : 24 * (i + 1) + 0x8000_0000, 24 * i + 20);
  }
  head.writeUInt32LE(address + head.length, 0x48);
  head.writeUInt32LE(data.length, 0x4c);
  return Buffer.concat([head, data]);
}

function versionInfo(strings: Readonly<Record<string, string>>): Buffer {
  const rows = Object.entries(strings).map(([key, value]) =>
    block(key, Buffer.from(`${value}\0`, "utf16le"), true, []),
  );
  const table = block("StringFileInfo", Buffer.alloc(0), true, [block("040904b0", Buffer.alloc(0), true, rows)]);
  return block("VS_VERSION_INFO", Buffer.alloc(52), false, [table]);
}

function block(key: string, value: Buffer, text: boolean, inside: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(6);
  const whole: Buffer[] = [head, Buffer.from(`${key}\0`, "utf16le")];
  whole.push(filler(whole), value);
  for (const child of inside) whole.push(filler(whole), child);
  const bytes = Buffer.concat(whole);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt16LE(text ? value.length / 2 : value.length, 2);
  bytes.writeUInt16LE(text ? 1 : 0, 4);
  return bytes;
}

function filler(before: readonly Buffer[]): Buffer {
  return Buffer.alloc(-Buffer.concat(before).length & 3);
}
