/** Where a section was laid. Bytes. */
export interface Placed {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A 64-bit little-endian ELF file (elf(5)) of zeros with the sections wanted; what does not fit the body is cut. */
export interface Sectioned {
  readonly bytes: Buffer;
  /** The sections that it has, but for the one of names. */
  readonly sections: readonly Placed[];
  /** What may be written to without breaking it: from `body` to `bodyEnd`. */
  readonly body: number;
  readonly bodyEnd: number;
}

/** @param behind written behind everything else, at the very end of the file */
export function sectioned(size: number, wanted: readonly Placed[], behind = ""): Sectioned {
  const names = Buffer.from(`\0.shstrtab\0${wanted.map((s) => `${s.name}\0`).join("")}`, "latin1");
  const count = wanted.length + 2;
  const [body, bodyEnd] = [64, Math.max(64, size - names.length - 64 * count - behind.length)];
  const bytes = Buffer.alloc(bodyEnd + names.length + 64 * count + behind.length);
  const sections = wanted
    .map((s) => ({ ...s, offset: Math.max(body, Math.min(s.offset, bodyEnd)) }))
    .map((s) => ({ ...s, size: Math.min(s.size, bodyEnd - s.offset) }));

  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  const table = bodyEnd + names.length;
  bytes.writeBigUInt64LE(BigInt(table), 0x28);
  bytes.writeUInt16LE(64, 0x3a);
  bytes.writeUInt16LE(count, 0x3c);
  bytes.writeUInt16LE(count - 1, 0x3e);
  names.copy(bytes, bodyEnd);
  bytes.write(behind, bytes.length - behind.length, "latin1");
  const rows: readonly (Placed & { readonly type: number })[] = [
    ...sections.map((s) => ({ ...s, type: 1 })), // SHT_PROGBITS
    { name: ".shstrtab", offset: bodyEnd, size: names.length, type: 3 }, // SHT_STRTAB
  ];
  for (const [i, row] of rows.entries()) {
    const at = table + 64 * (i + 1);
    bytes.writeUInt32LE(names.indexOf(`\0${row.name}\0`, 0, "latin1") + 1, at);
    bytes.writeUInt32LE(row.type, at + 4);
    bytes.writeBigUInt64LE(BigInt(row.offset), at + 24);
    bytes.writeBigUInt64LE(BigInt(row.size), at + 32);
  }
  return { bytes, sections, body, bodyEnd };
}
