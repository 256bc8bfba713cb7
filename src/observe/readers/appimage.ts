import { readUpTo, readWhole, textOf, viewOf } from "#observe/readers/bytes.ts";
import { readSections } from "#observe/readers/elf.ts";
import type { Reads } from "#observe/reads.ts";

/** An AppImage of type 2: a program with a file system behind it. */
export interface AppImage {
  /** Where the file system begins: the first byte behind the program that mounts it. */
  readonly offset: number;
  /** Where newer ones come from, as it was written into it; undefined where nothing was. */
  readonly update: AppImageUpdate | undefined;
}

export interface AppImageUpdate {
  /** "gh-releases-zsync", "zsync" … */
  readonly transport: string;
  /** "owner/repository", where GitHub has it. */
  readonly project: string | undefined;
  /** All of it. */
  readonly text: string;
}

const longestUpdate = 4096;

/**
 * Whether an ELF file is an AppImage, and whose (AppImage specification, 2: "AI" and 2 at offset 8, `.upd_info`); undefined
 * where it is none, or no file system lies behind it. It is said by the file itself, and nothing vouches for it.
 */
export function* readAppImage(fileSize: number): Reads<AppImage | undefined> {
  const bytes = yield* readWhole({ offset: 0, length: 64 }, fileSize, 64);
  if (bytes === undefined || !isAppImage(bytes)) return undefined;
  const offset = yield* endOfElf(viewOf(bytes), fileSize);
  const magic = yield* readWhole({ offset, length: 4 }, fileSize, 4);
  if (magic === undefined || !fileSystems.has(viewOf(magic).getUint32(0))) return undefined;
  const section = (yield* readSections(fileSize)).find((s) => s.name === ".upd_info");
  if (section === undefined) return { offset, update: undefined };
  const said = yield* readUpTo(section.offset, fileSize, Math.min(section.size, longestUpdate));
  return { offset, update: parseUpdate(textOf(said)) };
}

/** "hsqs" of squashfs, "DWAR" of DwarFS. */
const fileSystems: ReadonlySet<number> = new Set([0x68737173, 0x44574152]);

/** An ELF file ends with its table of sections or with the last of them, whichever is further behind: so libappimage has it. */
function* endOfElf(head: DataView, fileSize: number): Reads<number> {
  const [wide, little] = [head.getUint8(4) === 2, head.getUint8(5) === 1];
  const word = (view: DataView, at: number): number =>
    wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const [table, size] = [word(head, wide ? 0x28 : 0x20), head.getUint16(wide ? 0x3a : 0x2e, little)];
  const end = table + size * head.getUint16(wide ? 0x3c : 0x30, little);
  if (size < (wide ? 64 : 40)) return end;
  const row = yield* readWhole({ offset: end - size, length: size }, fileSize, 1024);
  if (row === undefined) return end;
  const [at, length] = [word(viewOf(row), wide ? 24 : 16), word(viewOf(row), wide ? 32 : 20)];
  return Math.max(end, at + length);
}

/** Whether a file that begins so is one, if a file system lies behind it. */
export function isAppImage(first: Uint8Array): boolean {
  const head = viewOf(first);
  return head.byteLength >= 12 && head.getUint32(0) === 0x7f454c46 && head.getUint32(8) >>> 8 === mark;
}
const mark = 0x41_49_02;

/** "gh-releases-zsync|owner|repository|latest|name", the same with "direct" for it, "zsync|https://…". */
function parseUpdate(text: string): AppImageUpdate | undefined {
  const [transport, owner, repository] = text.split("|", 3);
  if (!transport || owner === undefined) return undefined;
  const github =
    /^gh-releases-(?:zsync|direct)$/.test(transport) && owner !== "" && repository !== undefined && repository !== "";
  return { transport, project: github ? `${owner}/${repository}` : undefined, text };
}
