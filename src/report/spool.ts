import { join } from "node:path";
import { z } from "zod";
import { readBounded, writeAtomic } from "#lib/atomic-file.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { Held, type Entry } from "#report/held.ts";
import { ReportError } from "#report/report-error.ts";
import { lanes, Segment, type Lane, type Line } from "#report/segment.ts";
import { boundAside, ownFolder, putAside, recoverSegments } from "#report/spool-folder.ts";

/** An event to send, and where it lies; given back to `done`. */
export interface Spooled extends Line {
  /** Undefined while it is only in memory. */
  readonly segment: Segment | undefined;
}

/** How the spool is, for `edict doctor` and the health reports. */
export interface SpoolStatus {
  /** Events that wait to be sent, and their bytes on the disk. */
  readonly waiting: number;
  readonly bytes: number;
  /** Events that are in memory only, because the disk does not take them. */
  readonly held: number;
  /** Events that were given up to keep within the bounds, since this device was set up. */
  readonly dropped: Readonly<Record<Lane, number>>;
  /** Lines and files that could not be read. */
  readonly broken: number;
  /** Why the disk does not take events, while it does not. */
  readonly trouble: string | undefined;
}

const droppedSchema = z.object({ match: z.number(), health: z.number(), inventory: z.number() });
/** A new segment begins after this many bytes: what is sent again after a crash, and what is dropped at once, at most. */
const segmentBytes = 256 * 1024;

/** The files of the outbox, and the memory that stands in for them. For one caller at a time. */
export class Spool {
  readonly #dir: string;
  readonly #log: Log;
  readonly #maxBytes: number;
  readonly #held = new Held();
  readonly #active = new Map<Lane, Segment>();
  #segments: Segment[] = [];
  #sequence = 0;
  #dropped: Record<Lane, number> = { match: 0, health: 0, inventory: 0 };
  #broken = 0;
  #trouble: string | undefined;

  constructor(dir: string, maxBytes: number, log: Log) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    this.#log = log;
  }

  /** Takes over what an earlier process left. @throws ReportError `IDENTITY` */
  async recover(): Promise<void> {
    try {
      await ownFolder(this.#dir);
      const { segments, aside } = await recoverSegments(this.#dir);
      this.#segments = segments;
      this.#broken = aside;
      this.#sequence = (segments.at(-1)?.sequence ?? 0) + 1;
      if (aside > 0) this.#log.error("files of the spool cannot be read and were put aside", { files: aside });
    } catch (error) {
      if (error instanceof ReportError) throw error;
      this.#fail(error);
    }
    const counted = await readBounded(join(this.#dir, "dropped.json"), 4096).catch(() => undefined);
    if (counted !== undefined) this.#dropped = parseDropped(counted);
  }

  /** Every entry hears what became of it. Never throws. */
  async write(entries: readonly Entry[]): Promise<void> {
    const all = [...this.#held.takeAll(), ...entries];
    for (const lane of lanes)
      for (const group of groups(
        all.filter((e) => e.lane === lane),
        this.#segmentBytes(),
      ))
        await this.#writeGroup(lane, group);
  }

  /** What comes next, the important and the old first. Never throws. */
  async next(limits: { readonly events: number; readonly bytes: number }): Promise<readonly Spooled[]> {
    await this.write([]);
    const found: Spooled[] = [];
    let bytes = 0;
    const take = (line: Line, segment: Segment | undefined): boolean => {
      bytes += Buffer.byteLength(line.text) + 1;
      if (found.length >= limits.events || (bytes > limits.bytes && found.length > 0)) return false;
      found.push({ uid: line.uid, text: line.text, segment });
      return true;
    };
    for (const line of this.#held.lines()) if (!take(line, undefined)) return found;
    for (const segment of this.#inOrder())
      for (const line of await this.#read(segment)) if (!take(line, segment)) return found;
    return found;
  }

  /** Forgets these, and removes the files that are done with. Never throws. */
  async done(spooled: readonly Spooled[]): Promise<void> {
    for (const { uid, segment } of spooled) {
      if (segment === undefined) this.#held.forget(uid);
      else segment.acknowledge(uid);
    }
    for (const segment of new Set(spooled.map((s) => s.segment)))
      if (segment !== undefined && segment.waiting <= 0) await this.#finish(segment);
  }

  status(): SpoolStatus {
    return {
      waiting: this.#segments.reduce((sum, s) => sum + Math.max(0, s.waiting), this.#held.size),
      bytes: this.#bytes(),
      held: this.#held.size,
      dropped: { ...this.#dropped },
      broken: this.#broken + this.#segments.reduce((sum, s) => sum + s.broken, 0),
      trouble: this.#trouble,
    };
  }

  /** An entry that nobody had time to write. */
  drop(entry: Entry, why: string): void {
    this.#count(entry.lane, 1);
    entry.lost(new ReportError("FULL", `an event was dropped: ${why}`));
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.close();
    this.#active.clear();
  }

  async #writeGroup(lane: Lane, group: readonly Entry[]): Promise<void> {
    const size = group.reduce((sum, e) => sum + Buffer.byteLength(e.text) + 1, 0);
    if (!(await this.#makeRoom(lane, size))) {
      for (const entry of group)
        this.drop(entry, `${this.#dir} holds ${this.#maxBytes} bytes of more important events`);
      return;
    }
    try {
      await (await this.#segment(lane)).append(group);
      this.#trouble = undefined;
      for (const entry of group) entry.saved();
    } catch (error) {
      this.#fail(error);
      for (const entry of group) {
        if (!this.#held.keep(entry)) this.drop(entry, "the disk does not take events, nor has memory room for more");
        else entry.lost(new ReportError("DISK", `held in memory: ${describe(error)}`, { cause: error }));
      }
    }
  }

  async #segment(lane: Lane): Promise<Segment> {
    const active = this.#active.get(lane);
    if (active?.writable === true && active.bytes < this.#segmentBytes()) return active;
    await active?.close();
    if (active !== undefined && active.lines === 0) await this.#finish(active);
    if (this.#trouble !== undefined) await ownFolder(this.#dir);
    const created = await Segment.create(this.#dir, this.#sequence, lane);
    this.#sequence += 1;
    this.#segments.push(created);
    this.#active.set(lane, created);
    return created;
  }

  /** Drops the least important and oldest until `size` bytes fit; never anything more important than `lane`. */
  async #makeRoom(lane: Lane, size: number): Promise<boolean> {
    while (this.#bytes() + size > this.#maxBytes) {
      const victim = lanes
        .slice(lanes.indexOf(lane))
        .toReversed()
        .map((candidate) => this.#segments.find((s) => s.lane === candidate && s.bytes > 0))
        .find((s) => s !== undefined);
      if (victim === undefined) return false;
      const lost = Math.max(0, victim.waiting);
      if (!(await this.#finish(victim))) return false;
      this.#count(victim.lane, lost);
    }
    return true;
  }

  async #read(segment: Segment): Promise<readonly Line[]> {
    try {
      const lines = await segment.read();
      if (lines.length === 0) await this.#finish(segment);
      return lines;
    } catch (error) {
      this.#log.error("a file of the spool cannot be read and is put aside", { error: describe(error) });
      this.#broken += Math.max(1, segment.waiting);
      this.#forget(segment);
      await putAside(this.#dir, segment);
      return [];
    }
  }

  /** False when the file could not be removed. */
  async #finish(segment: Segment): Promise<boolean> {
    try {
      await segment.remove();
    } catch (error) {
      this.#fail(error);
      return false;
    }
    this.#broken += segment.broken;
    if (segment.broken > 0) await boundAside(this.#dir);
    this.#forget(segment);
    return true;
  }

  #forget(segment: Segment): void {
    this.#segments = this.#segments.filter((s) => s !== segment);
    if (this.#active.get(segment.lane) === segment) this.#active.delete(segment.lane);
  }

  #count(lane: Lane, lost: number): void {
    if (lost === 0) return;
    this.#dropped[lane] += lost;
    this.#log.warn("events were dropped", { lane, lost });
    const counted = Buffer.from(JSON.stringify(this.#dropped));
    void writeAtomic(join(this.#dir, "dropped.json"), counted).catch(() => undefined); // the count in memory still holds
  }

  #fail(error: unknown): void {
    const trouble = describe(error);
    if (this.#trouble === undefined)
      this.#log.error("the spool cannot be written; events are held in memory", { trouble });
    this.#trouble = trouble;
  }

  #bytes(): number {
    return this.#segments.reduce((sum, s) => sum + s.bytes, 0);
  }

  #segmentBytes(): number {
    return Math.min(segmentBytes, Math.ceil(this.#maxBytes / 16));
  }

  #inOrder(): readonly Segment[] {
    return lanes.flatMap((lane) => this.#segments.filter((s) => s.lane === lane));
  }
}

function groups(entries: readonly Entry[], most: number): readonly (readonly Entry[])[] {
  const made: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.text) + 1;
    const last = made.at(-1);
    if (last === undefined || size > room) {
      made.push([entry]);
      room = most - size;
    } else {
      last.push(entry);
      room -= size;
    }
  }
  return made;
}

function parseDropped(bytes: Uint8Array): Record<Lane, number> {
  try {
    return droppedSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return { match: 0, health: 0, inventory: 0 };
  }
}
