import { readUpTo, viewOf } from "#observe/readers/bytes.ts";
import { readSections, type Section } from "#observe/readers/elf.ts";
import { readMachO } from "#observe/readers/macho.ts";
import { readPe } from "#observe/readers/pe.ts";
import type { Reads } from "#observe/reads.ts";

/** What the linker of Go wrote into a program: what `go version -m` prints. */
export interface GoBuild {
  /** The version of Go. */
  readonly go: string;
  /** The path of its main package; the module that this is in, and that one's version: "(devel)" where it has none. */
  readonly path: string;
  readonly module: string | undefined;
  readonly version: string | undefined;
}

const magic = Buffer.from("\xff Go buildinf:", "latin1");
const header = 32;
const inline = 2; // flag: the texts follow, as they do since Go 1.18
/** How far into the data of a program the mark is looked for, and how long it may be with what follows. */
const longest = 1024 * 1024;

/**
 * The build information of a program in ELF, PE or Mach-O (Go, debug/buildinfo): undefined where it has none, or is older than
 * Go 1.18, whose programs have addresses there. It is said by the program itself, and nothing vouches for it.
 */
export function* readGoBuild(fileSize: number): Reads<GoBuild | undefined> {
  return yield* readGoBuildIn(yield* places(fileSize), fileSize);
}

/** The same for whoever knows the sections of an ELF file: one small read, and none in what is no program of Go. */
export function readElfGoBuild(sections: readonly Section[], fileSize: number): Reads<GoBuild | undefined> {
  return readGoBuildIn(elfPlaces(sections), fileSize);
}

function* readGoBuildIn(found: readonly Place[], fileSize: number): Reads<GoBuild | undefined> {
  for (const { offset, size } of found) {
    const bytes = yield* readUpTo(offset, fileSize, Math.min(size, longest));
    const at = find(bytes);
    const build = at > 0 ? parse(yield* readUpTo(offset + at, fileSize, longest)) : parse(bytes);
    if (build !== undefined) return build;
  }
  return undefined;
}

type Place = Pick<Section, "offset" | "size">;

/** Where the linker puts it: a section of its own, or the first one in which programs of Windows write. */
function* places(fileSize: number): Reads<readonly Place[]> {
  const head = viewOf(yield* readUpTo(0, fileSize, 4));
  if (head.byteLength < 4) return [];
  if (head.getUint32(0) === 0x7f454c46) {
    return elfPlaces(yield* readSections(fileSize));
  }
  if (head.getUint16(0) === 0x4d5a) {
    const data = (yield* readPe(fileSize))?.sections.find((s) => s.writable);
    return data === undefined ? [] : [data];
  }
  const programs = (yield* readMachO(fileSize)) ?? [];
  return programs.flatMap(({ sections }) => sections.find((s) => s.name.endsWith(",__go_buildinfo")) ?? []);
}

/** The first section of the name: a file that has thousands would be read for minutes. */
function elfPlaces(sections: readonly Section[]): readonly Place[] {
  return sections.filter((s) => s.name === ".go.buildinfo").slice(0, 1);
}

/** The mark stands at a multiple of sixteen. */
function find(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = buffer.indexOf(magic);
  while (at >= 0 && at % 16 !== 0) at = buffer.indexOf(magic, at + 1);
  return at;
}

function parse(bytes: Uint8Array): GoBuild | undefined {
  if (bytes.length < header || !magic.equals(bytes.subarray(0, magic.length)) || ((bytes[15] ?? 0) & inline) === 0)
    return undefined;
  const go = textAt(bytes, header);
  const info = go === undefined ? undefined : textAt(bytes, go.end);
  if (go === undefined || info === undefined || info.bytes.length < 33) return undefined;
  // Sixteen bytes before it and behind it mark it for whoever searches a running program.
  const lines = info.bytes.subarray(16, -16).toString("utf8").split("\n", 10);
  const rows = lines.map((line) => line.split("\t"));
  const path = rows.find(([key]) => key === "path")?.[1];
  const [, module, version] = rows.find(([key]) => key === "mod") ?? [];
  return path
    ? { go: go.bytes.toString("utf8"), path, module: module || undefined, version: version || undefined }
    : undefined;
}

/** A text behind its length, which is written in groups of seven bits (Go, encoding/binary, varint). */
function textAt(bytes: Uint8Array, at: number): { readonly bytes: Buffer; readonly end: number } | undefined {
  let [length, begin] = [0, at];
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[begin];
    if (byte === undefined || shift > 21) return undefined;
    begin += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const end = begin + length;
  return end > bytes.length ? undefined : { bytes: Buffer.from(bytes.subarray(begin, end)), end };
}
