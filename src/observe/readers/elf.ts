import { viewOf } from "#observe/readers/bytes.ts";
import type { Reads } from "#observe/reads.ts";

/** Where one section of a program lies in its file. Bytes. */
export interface Section {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Bounds of ours: real programs have some dozens of sections, and a name table of some kilobytes. */
const mostSections = 4096;
const longestNames = 1024 * 1024;
export const elfHeader = 64;
const noBits = 8; // SHT_NOBITS: nothing of it is in the file

/**
 * The sections of an ELF file (elf(5); both classes, both byte orders), or none where it is no ELF file or a broken one.
 * Nothing that the file says about itself is believed beyond `fileSize`.
 */
export function* readSections(fileSize: number): Reads<readonly Section[]> {
  return yield* sectionsAfter(yield { offset: 0, length: elfHeader }, fileSize);
}

/** The same for whoever has read the file's first 64 bytes. */
export function* sectionsAfter(first: Uint8Array, fileSize: number): Reads<readonly Section[]> {
  const head = viewOf(first);
  if (head.byteLength < 52 || head.getUint32(0) !== 0x7f454c46) return [];
  const wide = head.getUint8(4) === 2;
  if (wide && head.byteLength < 64) return [];
  const little = head.getUint8(5) === 1;
  const word = (view: DataView, at: number): number =>
    wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const table = word(head, wide ? 0x28 : 0x20);
  const entry = head.getUint16(wide ? 0x3a : 0x2e, little);
  const count = head.getUint16(wide ? 0x3c : 0x30, little);
  const namesAt = head.getUint16(wide ? 0x3e : 0x32, little);
  if (entry < (wide ? 64 : 40) || entry > 1024 || count === 0 || count > mostSections || namesAt >= count) return [];
  if (table + entry * count > fileSize) return [];

  const headers = viewOf(yield { offset: table, length: entry * count });
  if (headers.byteLength < entry * count) return [];
  const rows = Array.from({ length: count }, (_, i) => ({
    name: headers.getUint32(i * entry, little),
    type: headers.getUint32(i * entry + 4, little),
    offset: word(headers, i * entry + (wide ? 24 : 16)),
    size: word(headers, i * entry + (wide ? 32 : 20)),
  }));
  const table0 = rows[namesAt];
  if (table0 === undefined || table0.offset + table0.size > fileSize) return [];
  const names = Buffer.from(yield { offset: table0.offset, length: Math.min(table0.size, longestNames) });
  return rows
    .filter((row) => row.type !== noBits && row.size > 0 && row.offset < fileSize)
    .map((row) => ({
      name: nameAt(names, row.name),
      offset: row.offset,
      size: Math.min(row.size, fileSize - row.offset),
    }));
}

function nameAt(names: Buffer, at: number): string {
  if (at >= names.length) return "";
  const end = names.indexOf(0, at);
  return names.toString("latin1", at, end < 0 ? names.length : end);
}
