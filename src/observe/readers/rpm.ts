/** A package's header in rpm's database, as far as anybody asks. */
export interface RpmHeader {
  readonly name: string;
  /** epoch:version-release, without an epoch that is none. */
  readonly version: string;
  readonly paths: (each: (path: Uint8Array) => void) => void;
}

/** Bounds of ours: a kernel's header has some hundred entries, its largest ones 100,000 files. */
const mostEntries = 4096;
const mostFiles = 2_000_000;

const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
};
const types = { int32: 4, string: 6, stringArray: 8 };

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/**
 * A header as rpm 4 keeps it, without its magic: two counts, 16 bytes for each entry, and what they point into; all in network
 * byte order (rpm.org, "RPM V4 Package Format", header structure). Undefined where it is none.
 */
export function parseRpmHeader(bytes: Uint8Array): RpmHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 8) return undefined;
  const count = buffer.readUInt32BE(0);
  const begin = 8 + count * 16;
  if (count > mostEntries || begin > buffer.length) return undefined;
  const data = buffer.subarray(begin, begin + Math.min(buffer.readUInt32BE(4), buffer.length - begin));
  const entries = new Map<number, Entry>();
  for (let at = 8; at < begin; at += 16) {
    const [tag, type, offset, length] = [0, 4, 8, 12].map((more) => buffer.readUInt32BE(at + more));
    entries.set(tag ?? 0, { type: type ?? 0, offset: offset ?? 0, count: length ?? 0 });
  }
  const text = (tag: number): string | undefined => {
    const entry = entries.get(tag);
    return entry?.type === types.string ? strings(data, { ...entry, count: 1 })[0]?.toString("utf8") : undefined;
  };
  const [name, version, release] = [text(tags.name), text(tags.version), text(tags.release)];
  if (name === undefined || name === "" || version === undefined || release === undefined) return undefined;
  const epoch = numbers(data, entries.get(tags.epoch))[0];
  return {
    name,
    version: `${epoch === undefined ? "" : `${epoch}:`}${version}-${release}`,
    paths: (each) => {
      const folders = strings(data, entries.get(tags.dirNames));
      const indexes = numbers(data, entries.get(tags.dirIndexes));
      for (const [i, base] of strings(data, entries.get(tags.baseNames)).entries()) {
        const folder = folders[indexes[i] ?? -1];
        if (folder !== undefined) each(Buffer.concat([folder, base]));
      }
    },
  };
}

function numbers(data: Buffer, entry: Entry | undefined): readonly number[] {
  if (entry?.type !== types.int32 || entry.count > mostFiles) return [];
  if (entry.offset + entry.count * 4 > data.length) return [];
  return Array.from({ length: entry.count }, (_, i) => data.readUInt32BE(entry.offset + i * 4));
}

/** Strings that end with a NUL each; fewer where the data ends. */
function strings(data: Buffer, entry: Entry | undefined): readonly Buffer[] {
  if (entry === undefined || entry.count > mostFiles) return [];
  if (entry.type !== types.string && entry.type !== types.stringArray) return [];
  const found: Buffer[] = [];
  for (let at = entry.offset; found.length < entry.count;) {
    const end = at < data.length ? data.indexOf(0, at) : -1;
    if (end < 0) break;
    found.push(data.subarray(at, end));
    at = end + 1;
  }
  return found;
}
