import { readdir } from "node:fs/promises";
import type { Installed, Paths, Source } from "#observe/owners/package-database.ts";
import { below, toBytes, type RawPath } from "#observe/raw-path.ts";
import { folderAt, readSmall } from "#observe/read-file.ts";
import { pacmanValues } from "#observe/readers/pacman.ts";

const longestDescription = 1024 * 1024;
const longestFiles = 64 * 1024 * 1024;

/**
 * What pacman has installed; `folder` is /var/lib/pacman/local. Each package counts as the AUR's too: what was built from there is
 * installed like any other, and the AUR takes no name that the repositories have.
 */
export function pacman(folder: RawPath): Source {
  const owner = async (): Promise<number> => (await folderAt(folder))?.owner ?? 0;
  const files = async (name: string): Promise<Paths | undefined> => {
    const read = await readSmall(below(below(folder, name), "files"), longestFiles, await owner());
    if ("unread" in read) return undefined;
    return (each) => {
      for (const path of pacmanValues(read.bytes, "FILES")) each(Buffer.from(`/${path}`, "latin1"));
    };
  };
  return {
    ecosystems: ["pacman", "aur"],
    folder,
    witness: folder,
    async *installed(): AsyncGenerator<Installed> {
      const by = await owner();
      for (const name of await readdir(toBytes(folder), { encoding: "latin1" }).catch(() => [])) {
        const read = await readSmall(below(below(folder, name), "desc"), longestDescription, by);
        const [id] = "unread" in read ? [] : pacmanValues(read.bytes, "NAME");
        const [version] = "unread" in read ? [] : pacmanValues(read.bytes, "VERSION");
        if (id === undefined || version === undefined || name !== `${id}-${version}`) continue;
        yield { id, version, record: name, paths: (await files(name)) ?? none };
      }
    },
    paths: files,
  };
}
const none: Paths = () => undefined;
