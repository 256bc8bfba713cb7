import { readUpTo, readWhole, textOf, viewOf } from "#observe/readers/bytes.ts";
import type { Section } from "#observe/readers/elf.ts";
import type { Range, Reads } from "#observe/reads.ts";

/** One program in a Mach-O file: for one kind of processor. All places are bytes in the file. */
export interface MachProgram extends Range {
  /** Named "segment,section". */
  readonly sections: readonly Section[];
  /** Its code signature; undefined where it has none, or none inside it. */
  readonly signature: Range | undefined;
}

/** Bounds of ours. Java's classes begin like a fat file, and then with a number over 40 where that has its count. */
const mostPrograms = 16;
const mostCommands = 4096;
const longestCommands = 1024 * 1024;
const mostSections = 4096;

const fat = 0xcafebabe;
const fatWide = 0xcafebabf;
const segment = 0x1;
const segmentWide = 0x19;
const codeSignature = 0x1d;

/** The programs of a thin or a fat Mach-O file (mach-o/loader.h, mach-o/fat.h), or undefined where it is none, or a broken one. */
export function* readMachO(fileSize: number): Reads<readonly MachProgram[] | undefined> {
  const head = viewOf(yield* readUpTo(0, fileSize, 8));
  if (head.byteLength < 8) return undefined;
  const magic = head.getUint32(0);
  if (magic !== fat && magic !== fatWide) {
    const program = yield* readProgram({ offset: 0, length: fileSize });
    return program === undefined ? undefined : [program];
  }
  const [count, entry] = [head.getUint32(4), magic === fat ? 20 : 32];
  if (count === 0 || count > mostPrograms) return undefined;
  const table = yield* readWhole({ offset: 8, length: count * entry }, fileSize, mostPrograms * 32);
  if (table === undefined) return undefined;
  const rows = viewOf(table);
  const places = Array.from({ length: count }, (_, i) => i * entry + 8).map((at) =>
    magic === fat
      ? { offset: rows.getUint32(at), length: rows.getUint32(at + 4) }
      : { offset: Number(rows.getBigUint64(at)), length: Number(rows.getBigUint64(at + 8)) },
  );
  const programs: MachProgram[] = [];
  for (const place of places) {
    const program = place.offset + place.length <= fileSize ? yield* readProgram(place) : undefined;
    if (program === undefined) return undefined;
    programs.push(program);
  }
  return programs;
}

/** Magic numbers as they are read with the greater byte first: which way, and how wide, the rest is written. */
const layouts: ReadonlyMap<number, { readonly little: boolean; readonly wide: boolean }> = new Map([
  [0xfeedface, { little: false, wide: false }],
  [0xfeedfacf, { little: false, wide: true }],
  [0xcefaedfe, { little: true, wide: false }],
  [0xcffaedfe, { little: true, wide: true }],
]);

function* readProgram(place: Range): Reads<MachProgram | undefined> {
  const end = place.offset + place.length;
  const head = viewOf(yield* readUpTo(place.offset, end, 32));
  const layout = head.byteLength < 32 ? undefined : layouts.get(head.getUint32(0));
  if (layout === undefined) return undefined;
  const { little, wide } = layout;
  const [count, length] = [head.getUint32(16, little), head.getUint32(20, little)];
  if (count > mostCommands) return undefined;
  const bytes = yield* readWhole({ offset: place.offset + (wide ? 32 : 28), length }, end, longestCommands);
  if (bytes === undefined) return undefined;
  const view = viewOf(bytes);
  const sections: Section[] = [];
  let signature: Range | undefined;
  for (let [at, i] = [0, 0]; i < count; i += 1) {
    if (at + 8 > length) return undefined;
    const [command, size] = [view.getUint32(at, little), view.getUint32(at + 4, little)];
    if (size < 8 || at + size > length) return undefined;
    if (command === (wide ? segmentWide : segment)) sections.push(...sectionsOf(bytes.subarray(at, at + size), layout));
    else if (command === codeSignature && size >= 16)
      signature = { offset: view.getUint32(at + 8, little), length: view.getUint32(at + 12, little) };
    at += size;
    if (sections.length > mostSections) return undefined;
  }
  const inside = (range: Range): boolean => range.length > 0 && range.offset + range.length <= place.length;
  const from = <T extends Range>(range: T): T => ({ ...range, offset: place.offset + range.offset });
  return {
    ...place,
    sections: sections
      .filter((s) => inside({ offset: s.offset, length: s.size }))
      .map((s) => ({ ...s, offset: place.offset + s.offset })),
    signature: signature !== undefined && inside(signature) ? from(signature) : undefined,
  };
}

/** The sections of a segment that are in the file; a zero-filled one has no place there. */
function sectionsOf(
  bytes: Uint8Array,
  { little, wide }: { readonly little: boolean; readonly wide: boolean },
): readonly Section[] {
  const [header, entry] = wide ? [72, 80] : [56, 68];
  if (bytes.length < header) return [];
  const view = viewOf(bytes);
  const count = Math.min(view.getUint32(header - 8, little), Math.floor((bytes.length - header) / entry));
  return Array.from({ length: count }, (_, i) => header + i * entry)
    .map((at) => ({
      name: `${textOf(bytes.subarray(at + 16, at + 32))},${textOf(bytes.subarray(at, at + 16))}`,
      size: wide ? Number(view.getBigUint64(at + 40, little)) : view.getUint32(at + 36, little),
      offset: view.getUint32(at + (wide ? 48 : 40), little),
    }))
    .filter((s) => s.offset > 0);
}
