import { readUpTo, readWhole, viewOf } from "#observe/readers/bytes.ts";
import { offsetOf, type PortableExecutable } from "#observe/readers/pe.ts";
import type { Reads } from "#observe/reads.ts";

/** What a program of Windows says of itself, without the spaces around it; what it does not say is undefined. */
export interface VersionInfo {
  readonly product: string | undefined;
  readonly company: string | undefined;
  readonly originalName: string | undefined;
  readonly fileVersion: string | undefined;
}

const versionType = 16; // RT_VERSION
/** Entries of one directory that are looked at, and bytes of one version resource; real ones have some hundred, and some kilobytes. */
const mostEntries = 4096;
const longestResource = 256 * 1024;

/**
 * The version resource of a program ("PE Format", The .rsrc Section; VS_VERSIONINFO): the first language's first one.
 * Undefined where there is none. Nothing vouches for it but a signature.
 */
export function* readVersionInfo(pe: PortableExecutable, fileSize: number): Reads<VersionInfo | undefined> {
  const begin = pe.resources;
  if (begin === undefined) return undefined;
  const types = yield* readDirectory(begin, 0, fileSize);
  const names = yield* readDirectory(begin, types.find(([id]) => id === versionType)?.[1], fileSize);
  const languages = yield* readDirectory(begin, names[0]?.[1], fileSize);
  const leaf = languages[0]?.[1];
  if (leaf === undefined || leaf >= isDirectory) return undefined;
  const data = yield* readWhole({ offset: begin + leaf, length: 16 }, fileSize, 16);
  if (data === undefined) return undefined;
  const [address, length] = [viewOf(data).getUint32(0, true), viewOf(data).getUint32(4, true)];
  const offset = offsetOf(pe.sections, address);
  if (offset === undefined) return undefined;
  const bytes = yield* readWhole({ offset, length }, fileSize, longestResource);
  return bytes === undefined ? undefined : parseVersionInfo(bytes);
}

const isDirectory = 0x8000_0000;

/** Pairs of a type, name or language and the place of what it leads to. `at`: the root, or a place with the directory's bit. */
function* readDirectory(
  begin: number,
  at: number | undefined,
  fileSize: number,
): Reads<readonly (readonly [id: number, at: number])[]> {
  if (at === undefined || (at !== 0 && at < isDirectory)) return [];
  const offset = begin + (at % isDirectory);
  const head = yield* readWhole({ offset, length: 16 }, fileSize, 16);
  if (head === undefined) return [];
  const count = Math.min(mostEntries, viewOf(head).getUint16(12, true) + viewOf(head).getUint16(14, true));
  const rows = viewOf(yield* readUpTo(offset + 16, fileSize, count * 8));
  return Array.from(
    { length: rows.byteLength >> 3 },
    (_, i) => [rows.getUint32(8 * i, true), rows.getUint32(8 * i + 4, true)] as const,
  );
}

/** The strings of a VS_VERSIONINFO structure; undefined where it is none. */
export function parseVersionInfo(bytes: Uint8Array): VersionInfo | undefined {
  const root = blockAt(bytes, 0, bytes.length);
  if (root?.key !== "VS_VERSION_INFO") return undefined;
  const strings = new Map<string, string>();
  for (const info of children(bytes, root))
    if (info.key === "StringFileInfo")
      for (const table of children(bytes, info))
        for (const { key, value } of children(bytes, table)) if (!strings.has(key)) strings.set(key, value());
  const say = (key: string): string | undefined => strings.get(key) || undefined;
  return {
    product: say("ProductName"),
    company: say("CompanyName"),
    originalName: say("OriginalFilename"),
    fileVersion: say("FileVersion"),
  };
}

/** One block: its length, the length of its value, a key, the value, and blocks inside, each at a multiple of four. */
interface Block {
  readonly key: string;
  readonly value: () => string;
  readonly inside: number;
  readonly end: number;
}

function blockAt(bytes: Uint8Array, at: number, outer: number): Block | undefined {
  if (at + 6 > outer) return undefined;
  const view = viewOf(bytes);
  const end = at + view.getUint16(at, true);
  if (end < at + 6 || end > outer) return undefined;
  let keyEnd = at + 6;
  while (keyEnd + 1 < end && view.getUint16(keyEnd, true) !== 0) keyEnd += 2;
  const valueAt = aligned(keyEnd + 2);
  const isText = view.getUint16(at + 4, true) === 1;
  return {
    key: utf16(bytes, at + 6, keyEnd),
    value: () => (utf16(bytes, valueAt, end).split("\0", 1)[0] ?? "").trim(),
    inside: isText ? valueAt : aligned(valueAt + view.getUint16(at + 2, true)),
    end,
  };
}

function* children(bytes: Uint8Array, { inside, end }: Block): Generator<Block> {
  for (let at = inside; ;) {
    const block = blockAt(bytes, at, end);
    if (block === undefined) return;
    yield block;
    at = aligned(block.end);
  }
}

function aligned(at: number): number {
  return (at + 3) & ~3;
}

function utf16(bytes: Uint8Array, begin: number, end: number): string {
  return begin >= end ? "" : Buffer.from(bytes.subarray(begin, end)).toString("utf16le");
}
