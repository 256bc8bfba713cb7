import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import {
  notRegular,
  openRegular,
  realPath,
  stampOf,
  why,
  type Opened,
  type Stamp,
  type Unread,
} from "#observe/read-file.ts";

/** How the files of a scan are found and opened. */
export interface Files {
  readonly realPath: (path: RawPath) => RawPath | undefined | Promise<RawPath | undefined>;
  readonly openRegular: (path: RawPath) => Opened | Unread | Promise<Opened | Unread>;
}

/** Each is waited for, so that no disk holds anybody up. */
export const waitedFor: Files = { realPath, openRegular };

/** Bytes that are read before others have their turn. */
const small = 64 * 1024;
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** A descriptor of a regular file; nothing else is even opened (opening some devices acts). */
function descriptorOf(path: RawPath): { readonly descriptor: number; readonly stamp: Stamp } | Unread {
  const bytes = toBytes(path);
  let descriptor: number | undefined;
  try {
    if (!lstatSync(bytes).isFile()) return { unread: notRegular };
    descriptor = openSync(bytes, flags);
    const stat = fstatSync(descriptor, { bigint: true });
    if (stat.isFile()) return { descriptor, stamp: stampOf(stat) };
    closeSync(descriptor);
    return { unread: notRegular };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    return { unread: why(error) };
  }
}

function openNow(path: RawPath): Opened | Unread {
  const opened = descriptorOf(path);
  return "unread" in opened ? opened : { file: openFile(opened.descriptor), stamp: opened.stamp };
}

function openFile(file: number): Opened["file"] {
  return {
    read: async (into, at, length, position) => {
      if (length > small) await turn();
      return { bytesRead: readSync(file, into, at, length, position) };
    },
    stat: async (options) => fstatSync(file, options),
    close: async () => closeSync(file),
  };
}

/** All of a small regular file; undefined where there is none, or where it has more bytes than `most`. */
export function smallNow(path: RawPath, most: number): Buffer | undefined {
  const opened = descriptorOf(path);
  if ("unread" in opened) return undefined;
  const { descriptor, stamp } = opened;
  try {
    if (stamp.size > most) return undefined;
    const bytes = Buffer.alloc(stamp.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

function realPathNow(path: RawPath): RawPath | undefined {
  try {
    return rawFromBytes(realpathSync.native(toBytes(path), { encoding: "buffer" }));
  } catch {
    return undefined;
  }
}

/**
 * Finds, opens and reads at once, for a command, where nobody else is held up: a program that is small takes longer to be waited
 * for seven times than to be read.
 */
export const atOnce: Files = { realPath: realPathNow, openRegular: openNow };
