import { readdir } from "node:fs/promises";
import { waitedFor, type Files } from "#observe/files.ts";
import { PackageDatabase, type Installed, type Paths, type Source } from "#observe/owners/package-database.ts";
import { below, rawFromText, toBytes, type RawPath } from "#observe/raw-path.ts";
import { folderAt, readSmall } from "#observe/read-file.ts";
import { eachLine, packageOfList, parseStatus } from "#observe/readers/dpkg.ts";

const longestList = 16 * 1024 * 1024;
const longestStatus = 64 * 1024 * 1024;

/** What dpkg has installed. */
export class DpkgDatabase extends PackageDatabase {
  /** `folder` is dpkg's admindir. @throws RangeError where it is no path */
  constructor(folder = "/var/lib/dpkg", files: Files = waitedFor, believed?: number) {
    super(dpkg(pathOf(folder), files), believed);
  }
}

/** @throws RangeError */
export function pathOf(folder: string): RawPath {
  const path = rawFromText(folder);
  if (path === undefined) throw new RangeError("no path");
  return path;
}

function dpkg(folder: RawPath, files: Files): Source {
  const info = below(folder, "info");
  const witness = below(folder, "status");
  /** Whoever owns the database itself: only what they wrote counts. */
  const owner = async (): Promise<number> => (await folderAt(folder))?.owner ?? 0;
  return {
    ecosystems: ["deb"],
    folder,
    witness,
    async *installed(): AsyncGenerator<Installed> {
      const by = await owner();
      const status = await readSmall(witness, longestStatus, by);
      const versions = "unread" in status ? new Map<string, string>() : parseStatus(status.bytes);
      for (const list of await readdir(toBytes(info)).catch(() => [])) {
        const id = packageOfList(list);
        const version = id === undefined ? undefined : versions.get(id);
        if (id === undefined || version === undefined) continue;
        const paths = await pathsIn(below(info, list), by, files);
        yield { id, version, record: list, paths: paths ?? none };
      }
    },
    paths: async (list) => pathsIn(below(info, list), await owner(), files),
  };
}

const none: Paths = () => undefined;

async function pathsIn(list: RawPath, owner: number, files: Files): Promise<Paths | undefined> {
  const read = await readSmall(list, longestList, owner, files.openRegular);
  if ("unread" in read) return undefined;
  const { bytes } = read;
  return (each) => eachLine(bytes, (begin, end) => each(bytes.subarray(begin, end)));
}
