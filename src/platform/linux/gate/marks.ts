import { stoodStill, type Entry, type FileId, type GateMarks } from "#platform/gate.ts";
import { PlatformError } from "#platform/platform.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { masks } from "#platform/linux/gate/event.ts";
import type { GateKernel } from "#platform/linux/gate/kernel.ts";
import { choose, foreignOf, isOneOf, onlyBelow, parseMounts, type Mount } from "#platform/linux/gate/mounts.ts";
import { onMount } from "#platform/linux/gate/mount-table.ts";
import { Places } from "#platform/linux/gate/places.ts";
import { SystemCallError } from "#platform/linux/libc.ts";
import { deviceText } from "#platform/linux/proc.ts";
import { readSmall, statOf } from "#platform/linux/read.ts";

// fanotify_mark(2), uapi/linux/fanotify.h
export const markFlags = {
  add: 0x1,
  remove: 0x2,
  ignored: 0x20,
  flush: 0x80,
  filesystem: 0x100,
  /** Lets the kernel forget the inode, and the mark with it. Linux 5.19. */
  evictable: 0x200,
} as const;

/** A table of mounts that is longer is some container host's; what stands past it is watched by the exec stream. */
const longestTable = 4 * 1024 * 1024;
/** The same of another namespace, which anybody can make: some hundred mounts. */
const longestForeign = 64 * 1024;

/** What one fanotify group asks about. */
export class Marks {
  readonly #group: number;
  readonly #kernel: GateKernel;
  readonly #devices = new Set<string>();
  #left: GateMarks["left"] = [];
  #leave: ReadonlySet<string> = new Set();
  readonly #entries = new Map<string, Entry>();
  readonly #places: Places;
  #evictable: number = markFlags.evictable;

  constructor(group: number, kernel: GateKernel) {
    this.#group = group;
    this.#kernel = kernel;
    this.#places = new Places(kernel);
  }

  get made(): GateMarks {
    return { devices: [...this.#devices], left: this.#left };
  }

  /** Devices that are not to be marked from now on. What is marked stays so. */
  leave(devices: readonly string[]): void {
    this.#leave = new Set(devices);
  }

  isOurs(device: string): boolean {
    return this.#devices.has(device);
  }

  /**
   * Every filesystem of our own mount namespace; or those of `only` (mount points), and what is mounted below them. To be called again
   * when the table changes: marks are merged, so what was marked before costs some system calls and no more.
   */
  ofMachine(only?: readonly string[]): void {
    const all = parseMounts(table("self"));
    const { gated, left } = choose(all);
    const refused: { path: string; why: string }[] = [];
    const chosen = only === undefined ? gated : onlyBelow(only, gated, all);
    const isBelow = askedBelow(chosen);
    this.#devices.clear(); // another filesystem gets the number of one that has gone
    const taken = new Set(chosen.filter((mount) => !isBelow(mount)));
    for (const mount of taken) {
      const why = this.#leave.has(mount.device) ? stoodStill(mount.device) : this.#take(mount);
      if (why !== undefined) refused.push({ path: Buffer.from(mount.path).toString("utf8"), why });
      if (this.#leave.has(mount.device)) taken.delete(mount);
    }
    this.#places.know(all, taken);
    const others = only === undefined ? left : [];
    this.#left = [...others.map(({ path, why }) => ({ path: Buffer.from(path).toString("utf8"), why })), ...refused];
  }

  /** The same for the first time. @throws PlatformError where one of them is no mount point, or cannot be marked though it is not left out. */
  ofMounts(only: readonly string[]): void {
    this.ofMachine(only);
    const mounts = parseMounts(table("self"));
    for (const place of only) {
      const leave = [...this.#leave].map(stoodStill);
      const why = this.#left.find((one) => one.path === place && !leave.includes(one.why))?.why;
      const ill = why ?? (mounts.some((mount) => isOneOf([place], mount)) ? undefined : "it is no mount point");
      if (ill !== undefined) throw new PlatformError("failed", `${place} cannot be gated: ${ill}`);
    }
  }

  /**
   * Those that only a process in another mount namespace sees, first the one on `device`. Their owners are not believed. Overlays are asked about where they
   * lie: what that is called there leads elsewhere here.
   */
  ofProcess(pid: number, device: string): void {
    const root = Buffer.from(`/proc/${pid}/root`);
    const theirs = parseMounts(table(pid, longestForeign));
    for (const { path, id, device: found } of foreignOf(theirs, parseMounts(table("self")), device))
      if (!this.#leave.has(found)) onMount(Buffer.concat([root, path]), id, (place) => this.#mark(place));
  }

  /** Dropped by the kernel when the file is written to, but not by a shared mapping: only for files whose writers are trusted. */
  settle(fd: number): void {
    try {
      this.#kernel.markFile(this.#group, markFlags.add | markFlags.ignored | this.#evictable, masks.exec, fd);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // An older kernel knows no such flag. EEXIST: opening it is asked about; ENOSPC: too many marks. It is asked about each time.
      if (error.errno === "EINVAL") this.#evictable = 0;
    }
  }

  unsettle(fd: number): void {
    try {
      this.#kernel.markFile(this.#group, markFlags.remove | markFlags.ignored, masks.exec, fd);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error; // ENOENT: it was not settled
    }
  }

  unsettleAll(): void {
    this.#kernel.markPath(this.#group, markFlags.flush, 0, Buffer.from("/"));
    for (const entry of this.#entries.values()) this.#entry(entry);
  }

  addEntries(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#entries.set(`${entry.dev} ${entry.ino}`, entry);
      this.#entry(entry);
    }
  }

  /** What lies at a path of a gated filesystem, links not followed. */
  idAt(path: Uint8Array): FileId | undefined {
    return this.#places.at(path, (_, stat) => ({ dev: deviceText(stat.dev), ino: String(stat.ino) }));
  }

  /** Asks for nothing any more. */
  clear(): void {
    for (const kind of [markFlags.filesystem, 0])
      this.#kernel.markPath(this.#group, markFlags.flush | kind, 0, Buffer.from("/"));
  }

  /** Where it still is that file. Another that lies there by now is nobody's entry. */
  #entry({ path, dev, ino }: Entry): void {
    try {
      this.#places.at(Buffer.from(path), (place, stat) => {
        if (deviceText(stat.dev) === dev && String(stat.ino) === ino)
          this.#kernel.markPath(this.#group, markFlags.add, masks.open, Buffer.from(place));
      });
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error; // too many marks, or a filesystem that has gone
    }
  }

  /** Marks one of our own, and says why it cannot. What has gone, or lies under another, needs no mark. */
  #take({ path, id }: Mount): string | undefined {
    return onMount(path, id, (place) => {
      const why = this.#mark(place);
      const stat = why === undefined ? statOf(place) : undefined;
      if (stat !== undefined) this.#devices.add(deviceText(stat.dev));
      return why;
    });
  }

  /** Why it cannot be marked. */
  #mark(path: string): string | undefined {
    try {
      this.#kernel.markPath(this.#group, markFlags.add | markFlags.filesystem, masks.exec, Buffer.from(path));
      return undefined;
    } catch (error) {
      if (error instanceof SystemCallError) return error.message;
      throw error;
    }
  }
}

/**
 * Tells whether a program on an overlay is asked about where it really lies. Such an overlay must not be marked itself: to tell of
 * its files the kernel opens them in our name, opening one opens the file below, and where that is an entry file it asks us, who
 * are waiting for it.
 */
function askedBelow(gated: readonly Mount[]): (mount: Mount) => boolean {
  if (gated.every(({ layers }) => layers.length === 0)) return () => false;
  // Of each its device by stat(2), looked at once: hosts of containers have hundreds.
  const listed = new Map<string, Set<string>>();
  for (const { device, path } of gated) {
    const at = deviceAt(path);
    if (at !== undefined) listed.set(at, (listed.get(at) ?? new Set()).add(device));
  }
  return ({ device, layers }) =>
    layers.some((layer) => {
      const others = listed.get(deviceAt(layer) ?? "");
      return others !== undefined && [...others].some((other) => other !== device);
    });
}

/** What stat(2) says; where a filesystem has several (btrfs), its mounts are listed under another. */
function deviceAt(path: Uint8Array): string | undefined {
  const stat = ifReadable(() => statOf(Buffer.from(path)));
  return stat === undefined ? undefined : deviceText(stat.dev);
}

/** The mounts that a process sees; none where it has gone. */
function table(pid: number | "self", longest: number = longestTable): Uint8Array {
  return ifReadable(() => readSmall(`/proc/${pid}/mountinfo`, longest)) ?? Buffer.of();
}
