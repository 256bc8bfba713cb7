import { closeSync, fstatSync, fsyncSync, readSync, writeSync } from "node:fs";
import { z } from "zod";
import { PlatformError, type Quarantined } from "#platform/platform.ts";
import type { Folder } from "#platform/linux/folder.ts";

const entrySchema = z.strictObject({
  path: z.string(),
  pathBytes: z.string().optional(),
  mode: z.number(),
  size: z.number(),
  sha256: z.string().optional(),
  link: z.string().optional(),
});

/** What lies in quarantine and how it goes back. `moving` until all of it is there. */
export const manifestSchema = z.strictObject({
  formatVersion: z.literal(1),
  id: z.uuid(),
  state: z.enum(["moving", "kept"]),
  at: z.string(),
  kind: z.enum(["package", "extension", "program"]),
  path: z.string().startsWith("/"),
  pathBytes: z.string().optional(),
  owner: z.number(),
  /** Whose folder it was taken from. */
  parentOwner: z.number(),
  bytes: z.number(),
  entries: z.array(entrySchema).readonly(),
});
export type Manifest = z.infer<typeof manifestSchema>;

const file = Buffer.from("manifest.json");
const draft = Buffer.from("manifest.tmp");
const limit = 256 * 1024 * 1024;

/** On the disk, whole, when this returns: the old one is replaced at once. */
export function writeManifest(slot: Folder, manifest: Manifest): void {
  const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const fd = slot.create(draft);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  slot.replace(draft, file);
  fsyncSync(slot.fd);
}

/** @throws PlatformError `gone`, or `failed` where it is no manifest */
export function readManifest(slot: Folder): Manifest {
  const fd = slot.file(file);
  try {
    const size = fstatSync(fd).size;
    if (size > limit) throw new PlatformError("limit", "the quarantine's manifest is too large");
    const bytes = Buffer.alloc(size);
    for (let done = 0, read = 1; done < size && read > 0; done += read)
      read = readSync(fd, bytes, done, size - done, null);
    return manifestSchema.parse(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw new PlatformError("failed", "the quarantine's manifest cannot be read", { cause: error });
  } finally {
    closeSync(fd);
  }
}

export function removeManifest(slot: Folder): void {
  slot.unlink(file);
}

export function summaryOf({ id, path, at, owner, bytes }: Manifest): Quarantined {
  return { id, from: path, at, owner, bytes };
}
