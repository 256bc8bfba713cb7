import { statfsSync } from "node:fs";
import { believable } from "#platform/linux/filesystems.ts";

/** On which devices a file cannot change without its stamp changing; asked once a device. */
export class Beliefs {
  readonly #devices = new Map<string, boolean>();

  has(fd: number, device: string): boolean {
    let known = this.#devices.get(device);
    if (known === undefined) {
      known = believable(statfsSync(`/proc/self/fd/${fd}`).type); // follows the link to the file itself: no path is walked
      this.#devices.set(device, known);
    }
    return known;
  }

  /** Devices may be others by now: one that has gone gives its number to the next. */
  forget(): void {
    this.#devices.clear();
  }
}
