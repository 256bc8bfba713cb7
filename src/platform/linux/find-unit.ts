import { closeSync, fstatSync, readSync, type BigIntStats } from "node:fs";
import { PlatformError } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { Folder } from "#platform/linux/folder.ts";
import type { Libc } from "#platform/linux/libc.ts";
import { deviceText } from "#platform/linux/proc.ts";
import { isManifestOf, unitsOf, type Unit } from "#platform/linux/unit.ts";

/** A unit where it lies: its folder held open, its name in it, and what was there. The caller closes `parent`. */
export interface Found {
  readonly unit: Unit;
  readonly parent: Folder;
  readonly name: Buffer;
  readonly stats: BigIntStats;
}

const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, "latin1");

/** Splits an absolute, normal path, as Latin-1 of its bytes. @throws PlatformError `refused` */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const parts = path.split("/");
  const normal =
    parts[0] === "" && parts.length > 1 && parts.slice(1).every((p) => p !== "" && p !== "." && p !== "..");
  if (!normal || path.includes("\0"))
    throw new PlatformError("refused", "only an absolute path without . or .. is taken");
  return { folder: `/${parts.slice(1, -1).join("/")}`, name: parts.at(-1) ?? "" };
}

function readManifestOf(parent: Folder, name: Uint8Array): unknown {
  const folder = parent.folder(name);
  try {
    const fd = folder.file(Buffer.from("package.json"));
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.size > 1024 * 1024 || stats.uid !== Number(folder.stat().uid)) return undefined;
      const bytes = Buffer.alloc(stats.size);
      return JSON.parse(bytes.subarray(0, readSync(fd, bytes)).toString("utf8"));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof PlatformError || error instanceof SyntaxError) return undefined; // none, or none of a package
    throw error;
  } finally {
    folder.close();
  }
}

function isThere(found: Found): boolean {
  if (found.unit.kind === "program") return found.stats.isFile();
  return found.stats.isDirectory() && isManifestOf(found.unit, readManifestOf(found.parent, found.name));
}

/** What lies at a path below a folder now, without following anything. */
function below(parent: Folder, names: readonly string[]): BigIntStats {
  const [name = "", ...rest] = names;
  if (rest.length === 0) return parent.lstat(bytesOf(name));
  const folder = parent.folder(bytesOf(name));
  try {
    return below(folder, rest);
  } finally {
    folder.close();
  }
}

function open(unit: Unit, libc: Libc): Found {
  const { folder, name } = splitPath(unit.path);
  const parent = Folder.open(libc, bytesOf(folder));
  try {
    return { unit, parent, name: bytesOf(name), stats: parent.lstat(bytesOf(name)) };
  } catch (error) {
    parent.close();
    throw error;
  }
}

/** Finds what a file belongs to. @throws PlatformError `gone` where it is no longer the file that was seen; `link`, `denied`, `refused` */
export function findUnit(file: FileSeen, libc: Libc): Found {
  const path = (file.pathBytes === undefined ? Buffer.from(file.path) : Buffer.from(file.pathBytes, "base64")).toString(
    "latin1",
  );
  splitPath(path);
  for (const unit of unitsOf(path)) {
    const found = open(unit, libc);
    try {
      if (!isThere(found)) {
        found.parent.close();
        continue;
      }
      const rest = path.slice(splitPath(unit.path).folder.replace(/\/$/, "").length + 1).split("/");
      const now = below(found.parent, rest);
      const changed =
        (file.dev !== undefined && file.dev !== deviceText(now.dev)) ||
        (file.ino !== undefined && file.ino !== String(now.ino));
      if (changed) throw new PlatformError("gone", `${file.path} is no longer the file that was seen`);
      return found;
    } catch (error) {
      found.parent.close();
      throw error;
    }
  }
  throw new PlatformError("refused", `${file.path} is neither a package, an extension nor a program file`);
}
