import { constants, crc32, deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { readZipEntry } from "#observe/readers/zip.ts";
import { hostile, seam } from "./seam.ts";

interface Packing {
  readonly name: string;
  readonly content: Buffer;
  readonly stored?: boolean;
  /** What the directory says of its size, its checksum, and its flags. */
  readonly size?: number;
  readonly crc?: number;
  readonly flags?: number;
  readonly packed?: Buffer;
}

/** An archive (APPNOTE.TXT, 4.3) behind `before`, which its offsets do not count. */
function zip(files: readonly Packing[], before = Buffer.alloc(0), comment = ""): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  for (const {
    name,
    content,
    stored = false,
    size = content.length,
    crc = crc32(content),
    flags = 0,
    ...given
  } of files) {
    const packed = given.packed ?? (stored ? content : deflateRawSync(content));
    const fields = Buffer.alloc(26);
    for (const [at, value] of [
      [2, flags],
      [4, stored ? 0 : 8],
      [22, Buffer.byteLength(name)],
    ] as const)
      fields.writeUInt16LE(value, at);
    for (const [at, value] of [
      [10, crc],
      [14, packed.length],
      [18, size],
    ] as const)
      fields.writeUInt32LE(value, at);
    const at = Buffer.alloc(4);
    at.writeUInt32LE(Buffer.concat(locals).length);
    central.push(Buffer.from("PK\x01\x02\0\0", "latin1"), fields, Buffer.alloc(10), at, Buffer.from(name));
    locals.push(Buffer.from("PK\x03\x04", "latin1"), fields, Buffer.from(name), packed);
  }
  const [body, directory, end] = [Buffer.concat(locals), Buffer.concat(central), Buffer.alloc(22)];
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(body.length, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([before, body, directory, end, Buffer.from(comment)]);
}

const manifest = Buffer.from(JSON.stringify({ name: "tool", description: "x".repeat(1000) }));
const other = { name: "META-INF/plugin.xml", content: Buffer.from("<idea-plugin/>") };
const read = (archive: Uint8Array, name = "manifest.json", most = 100_000) => {
  const bytes = seam(archive, readZipEntry(archive.length, name, most));
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test("one file of an archive is read by its name: stored or deflated, behind a header of somebody's, before a comment", () => {
  for (const stored of [true, false]) {
    const files = [other, { name: "manifest.json", content: manifest, stored }];
    for (const archive of [
      zip(files),
      zip(files, Buffer.from("Cr24 and a signature")),
      zip(files, undefined, "a comment"),
    ]) {
      expect(read(archive)).toBe(manifest.toString());
      expect(read(archive, "META-INF/plugin.xml")).toBe("<idea-plugin/>");
      expect(read(archive, "manifest")).toBeUndefined();
    }
  }
  expect(read(zip([{ name: "manifest.json", content: Buffer.alloc(0), stored: true }]))).toBe("");
});

test("a file that grows past the bound, or past what it says, is not read: zlib stops there", () => {
  const bomb = { name: "manifest.json", content: Buffer.alloc(50_000_000) };
  expect(read(zip([bomb]))).toBeUndefined();
  expect(read(zip([{ ...bomb, size: 1000 }]))).toBeUndefined();
  expect(read(zip([{ ...bomb, size: 0 }]))).toBeUndefined();
  expect(read(zip([{ name: "manifest.json", content: manifest }]), "manifest.json", 100)).toBeUndefined();
});

test("a file of a gigabyte that says it is small takes no more memory than it says", () => {
  const mebibyte = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_FULL_FLUSH });
  const packed = Buffer.concat([...Array.from({ length: 1024 }, () => mebibyte), deflateRawSync(Buffer.alloc(0))]);
  const archive = zip([{ name: "manifest.json", content: manifest, packed }]);
  const before = process.resourceUsage().maxRSS; // kibibytes
  expect(read(archive, "manifest.json", 4 * 1024 * 1024)).toBeUndefined();
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(100 * 1024);
});

test("two files of one name, a wrong checksum, and what is encrypted are refused", () => {
  const file = { name: "manifest.json", content: manifest };
  expect(read(zip([file, other, file]))).toBeUndefined();
  expect(read(zip([{ ...file, crc: 1 }]))).toBeUndefined();
  expect(read(zip([{ ...file, flags: 1 }]))).toBeUndefined();
});

test("a name that leads elsewhere is a name like any other: it is compared, and nothing is written", () => {
  const archive = zip([
    { name: "../../../etc/passwd", content: Buffer.from("x") },
    { name: "manifest.json", content: manifest },
  ]);
  expect(read(archive)).toBe(manifest.toString());
});

test("cut or spoilt archives are read without an exception, and never past their end", () => {
  const archive = zip([other, { name: "manifest.json", content: manifest }], Buffer.from("Cr24"));
  expect(hostile(archive, (bytes) => read(bytes))).toBeGreaterThan(4000);
});
