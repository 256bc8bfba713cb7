import type { Footing } from "#observe/footing.ts";
import { below, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";

/** Bytes. Manifests of packages have some thousands; whatever is longer is not read. */
const longest = 1024 * 1024;

/** A manifest of a unit, where root or `owner` owns it; undefined where there is none that counts. What is read rests on it. */
export async function manifestIn(
  folder: RawPath,
  name: string,
  owner: number,
  footing: Footing,
  most = longest,
): Promise<Buffer | undefined> {
  const path = below(folder, name);
  footing.on(path);
  const read = await readSmall(path, most, owner);
  return "unread" in read ? undefined : read.bytes;
}
