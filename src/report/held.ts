import type { Lane, Line } from "#report/segment.ts";

/** An event on its way into the spool, and whom to tell. */
export interface Entry extends Line {
  readonly lane: Lane;
  saved(): void;
  lost(error: Error): void;
}

/** Events, and bytes of them, that memory keeps while the disk does not. */
const most = { events: 2_000, bytes: 4 * 1024 * 1024 };

/** The events that the disk did not take. Bounded: a full disk must not become a full memory. */
export class Held {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  lines(): Iterable<Line> {
    return this.#entries.values();
  }

  /** False when there is no room for it. Who is told hears it once: not again when the disk recovers. */
  keep(entry: Entry): boolean {
    if (this.#entries.size >= most.events || this.#bytes + entry.text.length > most.bytes) return false;
    const { lane, uid, text } = entry;
    this.#entries.set(uid, { lane, uid, text, saved: () => undefined, lost: () => undefined });
    this.#bytes += text.length;
    return true;
  }

  /** For another try at the disk. */
  takeAll(): readonly Entry[] {
    const all = [...this.#entries.values()];
    this.#entries.clear();
    this.#bytes = 0;
    return all;
  }

  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#bytes -= entry.text.length;
  }
}
