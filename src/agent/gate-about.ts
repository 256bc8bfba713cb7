import type { BigIntStats } from "node:fs";
import { toBytes, type RawPath } from "#observe/raw-path.ts";
import type { Stamp } from "#observe/read-file.ts";
import { fileSeen } from "#observe/seen.ts";
import type { FileSeen } from "#policy/evidence.ts";

/** The file of one question, as it was when the gate first looked. */
export interface About {
  readonly pid: number;
  readonly stat: BigIntStats;
  readonly stamp: Stamp;
  /** As the kernel says it; it names none past 4 KiB. */
  readonly raw: RawPath | undefined;
  /** Where it leads to the file, as far as we know. */
  readonly path: RawPath | undefined;
}

/** Where the kernel named no path it still is a file. */
export function fileOf(raw: RawPath | undefined, stamp: Stamp): FileSeen {
  const { dev, ino, size, nlink, owner } = stamp;
  return raw === undefined ? { path: "(unnamed)", dev, ino, size, nlink, owner } : fileSeen(raw, stamp);
}

export function base64(path: RawPath | undefined): string {
  return path === undefined ? "" : toBytes(path).toString("base64");
}
