import type { RawPath } from "#observe/raw-path.ts";
import { openRegular } from "#observe/read-file.ts";
import { readThrough } from "#observe/read-through.ts";
import { readZipEntry } from "#observe/readers/zip.ts";

/**
 * The bytes of one file in an archive, where root or `owner` owns the archive; undefined where there is none, where it is longer
 * than `most`, or where the archive is none.
 */
export async function entryIn(
  archive: RawPath,
  name: string,
  most: number,
  owner: number,
): Promise<Uint8Array | undefined> {
  const opened = await openRegular(archive);
  if ("unread" in opened) return undefined;
  const { file, stamp } = opened;
  try {
    if (stamp.owner !== 0 && stamp.owner !== owner) return undefined;
    return await readThrough(opened, readZipEntry(stamp.size, name, most));
  } catch {
    return undefined; // it cannot be read
  } finally {
    await file.close();
  }
}
