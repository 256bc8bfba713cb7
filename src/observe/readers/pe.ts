import { readUpTo, readWhole, viewOf } from "#observe/readers/bytes.ts";
import type { Range, Reads } from "#observe/reads.ts";

/** A section: where it is in memory, relative to the image, and where in the file. Bytes. */
export interface PeSection {
  readonly name: string;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly writable: boolean;
}

/** A program of Windows as its headers describe it ("PE Format", Microsoft). */
export interface PortableExecutable {
  readonly sections: readonly PeSection[];
  /** Where in the file the checksum and the directory entry of the certificates stand: no signature covers them. */
  readonly checksum: number;
  readonly security: number;
  /** The attribute certificate table; undefined where there is none, or none inside the file. */
  readonly certificates: Range | undefined;
  /** Where in the file the resources begin. */
  readonly resources: number | undefined;
}

const coffHeader = 24; // with the signature before it
const sectionHeader = 40;
/** What the loader of Windows takes. */
const mostSections = 96;
const writable = 0x8000_0000;

/** The headers of a PE32 or PE32+ file, or undefined where it is none, or a broken one. */
export function* readPe(fileSize: number): Reads<PortableExecutable | undefined> {
  const dos = yield* readWhole({ offset: 0, length: 64 }, fileSize, 64);
  if (dos === undefined || viewOf(dos).getUint16(0) !== 0x4d5a) return undefined;
  const begin = viewOf(dos).getUint32(0x3c, true);
  const head = viewOf(yield* readUpTo(begin, fileSize, coffHeader + 240));
  if (head.byteLength < coffHeader + 2 || head.getUint32(0) !== 0x50450000) return undefined;
  const [count, optional] = [head.getUint16(6, true), head.getUint16(20, true)];
  const layout = layouts.get(head.getUint16(coffHeader, true));
  if (layout === undefined || count > mostSections || head.byteLength < coffHeader + Math.min(optional, 240))
    return undefined;
  const directories = coffHeader + layout;
  const known = optional < layout ? 0 : Math.min(head.getUint32(directories - 4, true), (optional - layout) >> 3);
  const directory = (index: number): Range | undefined => {
    const at = directories + 8 * index;
    if (index >= known || at + 8 > head.byteLength) return undefined;
    const [offset, length] = [head.getUint32(at, true), head.getUint32(at + 4, true)];
    return offset === 0 || length === 0 ? undefined : { offset, length };
  };
  const [resources, certificates] = [directory(2), directory(4)];

  const table = { offset: begin + coffHeader + optional, length: count * sectionHeader };
  const rows = yield* readWhole(table, fileSize, mostSections * sectionHeader);
  if (rows === undefined) return undefined;
  const sections = sectionsOf(rows, fileSize);
  const behind = table.offset + table.length;
  const inside = certificates !== undefined && certificates.offset >= behind;
  return {
    sections,
    checksum: begin + coffHeader + 64,
    security: begin + directories + 8 * 4,
    certificates: inside && certificates.offset + certificates.length <= fileSize ? certificates : undefined,
    resources: resources === undefined ? undefined : offsetOf(sections, resources.offset),
  };
}

/** By the magic of PE32 and PE32+: where in the optional header the data directories stand. */
const layouts: ReadonlyMap<number, number> = new Map([
  [0x10b, 96],
  [0x20b, 112],
]);

/** Where in the file something is that is at an address in memory; undefined where nothing of it is in the file. */
export function offsetOf(sections: readonly PeSection[], address: number): number | undefined {
  const section = sections.find((s) => address >= s.address && address < s.address + s.size);
  return section === undefined ? undefined : section.offset + address - section.address;
}

function sectionsOf(rows: Uint8Array, fileSize: number): readonly PeSection[] {
  const view = viewOf(rows);
  return Array.from({ length: rows.length / sectionHeader }, (_, i) => i * sectionHeader)
    .map((at) => ({
      name: Buffer.from(rows.subarray(at, at + 8))
        .toString("latin1")
        .replace(/\0+$/, ""),
      address: view.getUint32(at + 12, true),
      size: view.getUint32(at + 16, true),
      offset: view.getUint32(at + 20, true),
      writable: (view.getUint32(at + 36, true) & writable) !== 0,
    }))
    .filter((s) => s.size > 0 && s.offset < fileSize)
    .map((s) => ({ ...s, size: Math.min(s.size, fileSize - s.offset) }));
}
