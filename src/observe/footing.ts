import { lstatSync } from "node:fs";
import { toBytes, type RawPath } from "#observe/raw-path.ts";

/** What a reading rests on: files and folders, each as it was. While all are the same, so is the reading. */
export class Footing {
  readonly #rests = new Map<RawPath, string>();

  /** Takes note of what lies at a path now, or that nothing does. Ask before reading it: what changes meanwhile is noticed then. */
  on(path: RawPath): void {
    if (!this.#rests.has(path)) this.#rests.set(path, stateOf(path));
  }

  /** The same of what was found in that state. */
  onState(path: RawPath, state: string): void {
    this.#rests.set(path, state);
  }

  /** Whether nothing of it has changed. Some microseconds for each path. */
  holds(): boolean {
    for (const [path, state] of this.#rests) if (stateOf(path) !== state) return false;
    return true;
  }
}

/** What `stateOf` says where there is nothing to be seen. */
export const missing: ReadonlySet<string> = new Set(["nothing", "unreadable"]);

/** Device, inode, size, owner and times in nanoseconds of what lies there, links not followed. */
export function stateOf(path: RawPath): string {
  try {
    const stat = lstatSync(toBytes(path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return "nothing";
    const { dev, ino, size, uid, mode, mtimeNs, ctimeNs } = stat;
    return [dev, ino, size, uid, mode, mtimeNs, ctimeNs].join(" ");
  } catch {
    return "unreadable";
  }
}
