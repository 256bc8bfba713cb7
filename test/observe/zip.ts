import { crc32, deflateRawSync } from "node:zlib";
import { write } from "./place.ts";

/** Writes an archive of texts (APPNOTE.TXT, 4.3), each deflated. */
export function zip(path: string, files: Readonly<Record<string, string>>): void {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const [bytes, called] = [Buffer.from(text), Buffer.from(name)];
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26); // from "version needed" to the length of the extra field
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    for (const [i, value] of [crc32(bytes), packed.length, bytes.length].entries())
      common.writeUInt32LE(value, 10 + i * 4);
    common.writeUInt16LE(called.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    locals.push(Buffer.from("PK\u0003\u0004"), common, called, packed);
    central.push(Buffer.from("PK\u0001\u0002"), Buffer.of(20, 0), common, place, called);
    at += 30 + called.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  for (const offset of [4, 6]) end.writeUInt16LE(Object.keys(files).length, offset);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  write(path, Buffer.concat([...locals, directory, Buffer.from("PK\u0005\u0006"), end]));
}
