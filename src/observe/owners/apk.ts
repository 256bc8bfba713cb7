import type { Installed, Source } from "#observe/owners/package-database.ts";
import { below, type RawPath } from "#observe/raw-path.ts";
import { folderAt, readSmall } from "#observe/read-file.ts";
import { parseApkInstalled, type ApkPackage } from "#observe/readers/apk.ts";

const longest = 64 * 1024 * 1024;

/** What apk has installed; `folder` is /lib/apk/db. */
export function apk(folder: RawPath): Source {
  const witness = below(folder, "installed");
  const packages = async (): Promise<Iterable<ApkPackage>> => {
    const owner = (await folderAt(folder))?.owner ?? 0;
    const read = await readSmall(witness, longest, owner);
    return "unread" in read ? [] : parseApkInstalled(read.bytes);
  };
  return {
    ecosystems: ["apk"],
    folder,
    witness,
    async *installed(): AsyncGenerator<Installed> {
      for (const { id, version, paths } of await packages()) yield { id, version, record: id, paths };
    },
    paths: async (record) => {
      for (const { id, paths } of await packages()) if (id === record) return paths;
      return undefined;
    },
  };
}
