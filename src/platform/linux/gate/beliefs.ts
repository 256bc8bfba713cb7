import { statfsSync } from "node:fs";

// statfs(2), f_type. On these a file that is written through a shared mapping gets a new ctime before its program can start:
// page_mkwrite stamps it, and execve(2) of a file that is still open for writing fails (ETXTBSY).
const believed = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // xfs
  0x9123_683e, // btrfs
  0xf2f5_2010, // f2fs
  0x794c_7630, // overlay: it shows the stamps of the file below or above
  0x7371_7368, // squashfs, read-only
  0xe0f5_e1e2, // erofs, read-only
  0x9660, // iso9660, read-only
]);

/** Where a file cannot change without its stamp changing, asked once a device. Everything unknown is not believed. */
export class Beliefs {
  readonly #devices = new Map<string, boolean>();

  has(fd: number, device: string): boolean {
    let known = this.#devices.get(device);
    if (known === undefined) {
      known = believed.has(statfsSync(`/proc/self/fd/${fd}`).type); // follows the link to the file itself: no path is walked
      this.#devices.set(device, known);
    }
    return known;
  }
}
