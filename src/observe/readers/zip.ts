import { crc32, inflateRawSync } from "node:zlib";
import { readUpTo, readWhole, viewOf } from "#observe/readers/bytes.ts";
import type { Reads } from "#observe/reads.ts";

/** A file in an archive, as the central directory describes it. `at`: its local header. Bytes. */
interface Entry {
  readonly at: number;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

/** APPNOTE.TXT (PKWARE), 4.3: the sizes of the fixed parts. */
const endRecord = 22;
const longestComment = 65_535;
const centralHeader = 46;
const localHeader = 30;
const longestDirectory = 16 * 1024 * 1024;

/**
 * The bytes of one file in a zip archive, or in what begins with something else and ends as one (.jar, .vsix, .xpi, .crx). Its
 * name is compared as it is, and nothing is written anywhere. Undefined where there is no such file or there are two of that
 * name, where it has more than `most` bytes inflated, is encrypted, or the archive is broken or a large one (zip64).
 */
export function* readZipEntry(fileSize: number, name: string, most: number): Reads<Uint8Array | undefined> {
  const tailAt = Math.max(0, fileSize - endRecord - longestComment);
  const tail = yield* readUpTo(tailAt, fileSize, endRecord + longestComment);
  const end = findEnd(tail);
  if (end < 0) return undefined;
  const record = viewOf(tail.subarray(end));
  const [count, length, offset] = [record.getUint16(10, true), record.getUint32(12, true), record.getUint32(16, true)];
  const directoryAt = tailAt + end - length; // it lies before its end; its own offset does not count what was put before the archive
  const begin = directoryAt - offset;
  if (begin < 0 || count === 0) return undefined;
  const directory = yield* readWhole({ offset: directoryAt, length }, fileSize, longestDirectory);
  const entry = directory === undefined ? undefined : findEntry(directory, count, Buffer.from(name, "utf8"));
  if (entry === undefined || entry.encrypted || entry.size > most || entry.packed > most + 1024) return undefined;
  const local = yield* readWhole({ offset: begin + entry.at, length: localHeader }, fileSize, localHeader);
  if (local === undefined || viewOf(local).getUint32(0) !== 0x504b0304) return undefined;
  const dataAt = begin + entry.at + localHeader + viewOf(local).getUint16(26, true) + viewOf(local).getUint16(28, true);
  if (entry.packed === 0) return entry.size === 0 ? new Uint8Array() : undefined;
  const packed = yield* readWhole({ offset: dataAt, length: entry.packed }, fileSize, most + 1024);
  return packed === undefined ? undefined : unpacked(packed, entry);
}

/** The last end record whose comment reaches to the end of the file. */
function findEnd(tail: Uint8Array): number {
  const view = viewOf(tail);
  for (let at = tail.length - endRecord; at >= 0; at -= 1)
    if (view.getUint32(at) === 0x504b0506 && view.getUint16(at + 20, true) === tail.length - at - endRecord) return at;
  return -1;
}

function findEntry(directory: Uint8Array, count: number, name: Buffer): Entry | undefined {
  const view = viewOf(directory);
  let found: Entry | undefined;
  for (let [at, i] = [0, 0]; i < count; i += 1) {
    if (at + centralHeader > directory.length || view.getUint32(at) !== 0x504b0102) return undefined;
    const nameLength = view.getUint16(at + 28, true);
    const next = at + centralHeader + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > directory.length) return undefined;
    if (name.equals(directory.subarray(at + centralHeader, at + centralHeader + nameLength))) {
      if (found !== undefined) return undefined;
      found = {
        at: view.getUint32(at + 42, true),
        method: view.getUint16(at + 10, true),
        encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
        crc: view.getUint32(at + 16, true),
        packed: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
      };
    }
    at = next;
  }
  return found;
}

const stored = 0;
const deflated = 8;

/** The file, if it is as long as was said, and has that checksum. */
function unpacked(packed: Uint8Array, { method, size, crc }: Entry): Uint8Array | undefined {
  const bytes = method === stored ? Uint8Array.from(packed) : method === deflated ? inflated(packed, size) : undefined;
  return bytes?.length === size && crc32(bytes) === crc ? bytes : undefined;
}

/** zlib stops at the size that was said, and throws. */
function inflated(packed: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}
