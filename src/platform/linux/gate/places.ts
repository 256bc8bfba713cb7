import { closeSync, fstatSync, type BigIntStats } from "node:fs";
import { dirname } from "node:path/posix";
import type { GateKernel } from "#platform/linux/gate/kernel.ts";
import { onMount } from "#platform/linux/gate/mount-table.ts";
import { textOf, type Mount } from "#platform/linux/gate/mounts.ts";

/**
 * Ways to files that cannot lead astray. Whoever owns a folder can put a link, a FUSE mount or a server that never answers in
 * its place, and a gate that walks there holds up the machine: so each walk begins at the mount itself and ends where that
 * filesystem does (openat2(2)).
 */
export class Places {
  readonly #kernel: GateKernel;
  /** By mount point, as one character a byte; the last mounted lies on top. */
  #mounts: ReadonlyMap<string, Mount> = new Map();
  #gated: ReadonlySet<Mount> = new Set();

  constructor(kernel: GateKernel) {
    this.#kernel = kernel;
  }

  /** Every mount there is, in the kernel's order, and those that may be walked on. */
  know(all: readonly Mount[], gated: ReadonlySet<Mount>): void {
    this.#mounts = new Map(all.map((mount) => [textOf(mount.path), mount]));
    this.#gated = gated;
  }

  /**
   * What `use` makes of a path to just the file that lies at `path` (absolute, without links), and of its state. Undefined where
   * none lies there, or the way leaves the filesystem. @throws what `use` throws
   */
  at<T>(path: Uint8Array, use: (place: string, stat: BigIntStats) => T): T | undefined {
    const whole = textOf(path);
    const mount = whole.startsWith("/") ? this.#mountOf(whole) : undefined;
    if (mount === undefined || !this.#gated.has(mount)) return undefined;
    return onMount(mount.path, mount.id, (place, folder) => {
      const rest = whole.slice(textOf(mount.path).length).replace(/^\//, "");
      if (rest === "") return use(place, fstatSync(folder, { bigint: true }));
      const fd = this.#kernel.openBelow(folder, Buffer.from(rest, "latin1"));
      if (fd === undefined) return undefined;
      try {
        return use(`/proc/self/fd/${fd}`, fstatSync(fd, { bigint: true }));
      } finally {
        closeSync(fd);
      }
    });
  }

  #mountOf(path: string): Mount | undefined {
    for (let at = path; ; at = dirname(at)) {
      const mount = this.#mounts.get(at);
      if (mount !== undefined || at === "/") return mount;
    }
  }
}
