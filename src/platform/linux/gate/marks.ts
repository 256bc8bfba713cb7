import type { Entry, GateMarks } from "#platform/gate.ts";
import { PlatformError } from "#platform/platform.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { masks } from "#platform/linux/gate/event.ts";
import type { GateKernel } from "#platform/linux/gate/kernel.ts";
import { choose, parseMounts, type Mount } from "#platform/linux/gate/mounts.ts";
import { SystemCallError } from "#platform/linux/libc.ts";
import { deviceText } from "#platform/linux/proc.ts";
import { readSmall, statOf } from "#platform/linux/read.ts";

// fanotify_mark(2), uapi/linux/fanotify.h
const flags = {
  add: 0x1,
  remove: 0x2,
  dontFollow: 0x4,
  ignored: 0x20,
  flush: 0x80,
  filesystem: 0x100,
  /** Lets the kernel forget the inode, and the mark with it. Linux 5.19. */
  evictable: 0x200,
} as const;

/** A table of mounts that is longer is some container host's; what stands past it is watched by the exec stream. */
const longestTable = 4 * 1024 * 1024;

/** What one fanotify group asks about. */
export class Marks {
  readonly #group: number;
  readonly #kernel: GateKernel;
  readonly #devices = new Set<string>();
  #left: GateMarks["left"] = [];
  #entries: readonly Entry[] = [];
  #evictable: number = flags.evictable;

  constructor(group: number, kernel: GateKernel) {
    this.#group = group;
    this.#kernel = kernel;
  }

  get made(): GateMarks {
    return { devices: [...this.#devices], left: this.#left };
  }

  isOurs(device: string): boolean {
    return this.#devices.has(device);
  }

  /** Every filesystem of our own mount namespace. Marks are merged, so what was marked before costs a system call and no more. */
  ofMachine(): void {
    const { gated, left } = choose(parseMounts(table("self")));
    const refused: { path: string; why: string }[] = [];
    for (const mount of gated) {
      if (isAskedBelow(mount, gated)) continue;
      const why = this.#mark(mount.path);
      if (why !== undefined) refused.push({ path: Buffer.from(mount.path).toString("utf8"), why });
      else this.#remember(mount.path);
    }
    this.#left = [...left.map(({ path, why }) => ({ path: Buffer.from(path).toString("utf8"), why })), ...refused];
  }

  /** Those of some mount points only. @throws PlatformError where one cannot be marked. */
  ofMounts(paths: readonly string[]): void {
    for (const path of paths) {
      const why = this.#mark(Buffer.from(path));
      if (why !== undefined) throw new PlatformError("failed", `${path} cannot be gated: ${why}`);
      this.#remember(Buffer.from(path));
    }
  }

  /**
   * Those that only a process in another mount namespace sees. Their owners are not believed. Overlays are asked about where they
   * lie: what that is called there leads elsewhere here.
   */
  ofProcess(pid: number): void {
    const ours = new Set(parseMounts(table("self")).map(({ device }) => device));
    const root = Buffer.from(`/proc/${pid}/root`);
    for (const { device, path, type } of choose(parseMounts(table(pid))).gated)
      if (!ours.has(device) && type !== "overlay") this.#mark(Buffer.concat([root, path]));
  }

  /** Dropped by the kernel when the file is written to, but not by a shared mapping: only for files whose writers are trusted. */
  settle(fd: number): void {
    try {
      this.#kernel.markFile(this.#group, flags.add | flags.ignored | this.#evictable, masks.exec, fd);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // An older kernel knows no such flag. EEXIST: opening it is asked about; ENOSPC: too many marks. It is asked about each time.
      if (error.errno === "EINVAL") this.#evictable = 0;
    }
  }

  unsettle(fd: number): void {
    try {
      this.#kernel.markFile(this.#group, flags.remove | flags.ignored, masks.exec, fd);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error; // ENOENT: it was not settled
    }
  }

  unsettleAll(): void {
    this.#kernel.markPath(this.#group, flags.flush, 0, Buffer.from("/"));
    this.setEntries(this.#entries);
  }

  setEntries(entries: readonly Entry[]): void {
    const now = new Set(entries.map(keyOf));
    for (const entry of this.#entries) if (!now.has(keyOf(entry))) this.#entry(flags.remove, entry);
    for (const entry of entries) this.#entry(flags.add, entry);
    this.#entries = entries;
  }

  /** Asks for nothing any more. */
  clear(): void {
    for (const kind of [flags.filesystem, 0])
      this.#kernel.markPath(this.#group, flags.flush | kind, 0, Buffer.from("/"));
  }

  /** Only on our own filesystems: the way to any other could be slow, or a user's. */
  #entry(flag: number, entry: Entry): void {
    if (!this.#devices.has(entry.dev)) return;
    try {
      this.#kernel.markPath(this.#group, flag | flags.dontFollow, masks.open, Buffer.from(entry.path));
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error; // it has gone
    }
  }

  /** Why it cannot be marked. */
  #mark(path: Uint8Array): string | undefined {
    try {
      this.#kernel.markPath(this.#group, flags.add | flags.filesystem, masks.exec, path);
      return undefined;
    } catch (error) {
      if (error instanceof SystemCallError) return error.message;
      throw error;
    }
  }

  #remember(path: Uint8Array): void {
    const device = deviceAt(path);
    if (device !== undefined) this.#devices.add(device);
  }
}

/**
 * Whether a program on this overlay is asked about where it really lies. Such an overlay must not be marked itself: to tell of
 * its files the kernel opens them in our name, opening one opens the file below, and where that is an entry file it asks us, who
 * are waiting for it.
 */
function isAskedBelow({ device, layers }: Mount, gated: readonly Mount[]): boolean {
  if (layers.length === 0) return false;
  const others = new Set(gated.filter((mount) => mount.device !== device).map(({ path }) => deviceAt(path)));
  return layers.map(deviceAt).some((below) => below !== undefined && others.has(below));
}

/** What stat(2) says; where a filesystem has several (btrfs), its mounts are listed under another. */
function deviceAt(path: Uint8Array): string | undefined {
  const stat = ifReadable(() => statOf(Buffer.from(path)));
  return stat === undefined ? undefined : deviceText(stat.dev);
}

/** The mounts that a process sees; none where it has gone. */
function table(pid: number | "self"): Uint8Array {
  return ifReadable(() => readSmall(`/proc/${pid}/mountinfo`, longestTable)) ?? Buffer.of();
}

function keyOf({ path, dev, ino }: Entry): string {
  return `${dev} ${ino} ${path}`;
}
