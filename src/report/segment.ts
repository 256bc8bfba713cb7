import { constants } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { readBounded, syncFolder } from "#lib/atomic-file.ts";

/** What matters more is sent first and dropped last. */
export const lanes = ["match", "health", "inventory"] as const;
export type Lane = (typeof lanes)[number];

/** An event as it lies in the spool: one line of JSON, without its line feed. */
export interface Line {
  readonly uid: string;
  readonly text: string;
}

const ending = ".ndjson";
/** A file that had broken lines; kept beside the others for whoever wants to know. */
export const asideEnding = ".broken";

/** No segment is longer than this when it is read back, whatever happened to it, in bytes. */
export const longest = 8 * 1024 * 1024;

/**
 * One file of the spool, `<sequence>.<lane>.ndjson`: written by one process, from its beginning to its end, and never again
 * after a failure or a restart. So a line that was cut short can only be its last one, and nobody was told it is safe.
 */
export class Segment {
  readonly lane: Lane;
  readonly sequence: number;
  readonly path: string;
  /** Bytes and lines that are safely on the disk. */
  bytes = 0;
  lines = 0;
  /** Lines that are no events: counted, and kept aside. */
  broken = 0;
  readonly #done = new Set<string>();
  #handle: FileHandle | undefined;

  private constructor(dir: string, sequence: number, lane: Lane) {
    this.lane = lane;
    this.sequence = sequence;
    this.path = join(dir, `${String(sequence).padStart(12, "0")}.${lane}${ending}`);
  }

  /** What a file's name says; undefined for anything that is no segment. */
  static named(dir: string, name: string): Segment | undefined {
    const [digits, lane, end, ...more] = name.split(".");
    const known = lanes.find((l) => l === lane);
    if (digits?.length !== 12 || known === undefined || `.${end}` !== ending || more.length > 0) return undefined;
    const sequence = Number(digits);
    return Number.isSafeInteger(sequence) && sequence >= 0 ? new Segment(dir, sequence, known) : undefined;
  }

  /** A new file that is open for appending; its name is durable. @throws Node's system error */
  static async create(dir: string, sequence: number, lane: Lane): Promise<Segment> {
    const made = new Segment(dir, sequence, lane);
    const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    made.#handle = await open(made.path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await syncFolder(dir);
    } catch (error) {
      await made.remove().catch(() => undefined);
      throw error;
    }
    return made;
  }

  /** Counts what an earlier process left. @throws Node's system error, or FileError where it is no plain file */
  async recover(): Promise<void> {
    const content = await readBounded(this.path, longest);
    this.bytes = content.lastIndexOf(0x0a) + 1;
    this.lines = 0;
    for (let at = content.indexOf(0x0a); at !== -1; at = content.indexOf(0x0a, at + 1)) this.lines += 1;
  }

  get writable(): boolean {
    return this.#handle !== undefined;
  }

  /** Events that nobody has acknowledged. */
  get waiting(): number {
    return this.lines - this.#done.size - this.broken;
  }

  /**
   * Appends whole lines; they are on the disk when it resolves (fdatasync(2)). After a failure nothing of them counts, and the
   * segment is closed: what a failed fsync left behind is unknown (fsync(2), "Errors").
   * @throws Node's system error
   */
  async append(lines: readonly Line[]): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error(`${this.path} is closed`);
    const content = Buffer.from(lines.map((line) => `${line.text}\n`).join(""));
    try {
      await handle.appendFile(content);
      await handle.datasync();
    } catch (error) {
      await handle.truncate(this.bytes).catch(() => undefined);
      await this.close();
      throw error;
    }
    this.bytes += content.length;
    this.lines += lines.length;
  }

  /** Every event that waits here, in order. @throws Node's system error, or FileError */
  async read(): Promise<readonly Line[]> {
    const content = (await readBounded(this.path, longest)).subarray(0, this.bytes);
    const found: Line[] = [];
    let broken = 0;
    for (let from = 0, to = content.indexOf(0x0a); to !== -1; from = to + 1, to = content.indexOf(0x0a, from)) {
      const text = content.toString("utf8", from, to);
      const uid = uidOf(text);
      if (uid === undefined) broken += 1;
      else if (!this.#done.has(uid)) found.push({ uid, text });
    }
    this.broken = broken;
    return found;
  }

  acknowledge(uid: string): void {
    this.#done.add(uid);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  /** Its work is done; with broken lines in it, it is put aside under another name. */
  async remove(): Promise<void> {
    await this.close();
    await (this.broken > 0 ? rename(this.path, this.path + asideEnding) : unlink(this.path));
  }
}

function uidOf(text: string): string | undefined {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event !== "object" || event === null || !("metadata" in event)) return undefined;
    const { metadata } = event;
    if (typeof metadata !== "object" || metadata === null || !("uid" in metadata)) return undefined;
    return typeof metadata.uid === "string" ? metadata.uid : undefined;
  } catch {
    return undefined;
  }
}
