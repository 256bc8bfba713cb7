import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Needle, Reading } from "#policy/evidence.ts";
import { Lru } from "#observe/lru.ts";
import { stampOf, why, type Opened } from "#observe/read-file.ts";
import { readSections, type Section } from "#observe/readers/elf.ts";
import { makeSearch, shortestNeedle, type Search } from "#observe/search.ts";
import type { Wanted } from "#policy/compile.ts";

/** What one pass over a file's bytes found. */
export interface Content {
  readonly hash: Reading<string>;
  readonly marker: Reading<Needle>;
  /** The interpreter that it is, whatever it is called: its name in the table of interpreters. */
  readonly interpreter: string | undefined;
}

/**
 * Node's own mark of a program that carries no application (":1" where one was put into it): so a renamed or copied node is
 * still an interpreter, and a tool made of node is none.
 */
const bareNode: Needle = {
  bytes: "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0",
  encoding: "utf8",
  where: "elf-section",
  section: ".rodata",
};

/** Files past this are not searched; the largest AI tool measured has 381 MB. */
const largest = 2 ** 31;
/** Read and searched at once, in bytes: a fraction of a millisecond of work between two turns of the event loop. */
const piece = 256 * 1024;
/** How much of a file's end `where: "tail"` means, in bytes. */
const tail = 1024 * 1024;
const remembered = 20_000;

/** Reads hashes and markers; each state of each file once, whatever it is called. */
export class ContentReader {
  readonly #wanted: Wanted;
  readonly #needles: readonly Needle[];
  readonly #search: Search;
  readonly #longest: number;
  readonly #known = new Lru<string, Content>(remembered);
  readonly #running = new Map<string, Promise<Content>>();
  /** Buffers at rest: allocating one a file leaves the process far larger than it is. */
  readonly #buffers: Buffer[] = [];

  /** @throws RangeError where a needle is shorter than two bytes */
  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#needles = [...wanted.needles, bareNode];
    const bytes = this.#needles.map((n) => Buffer.from(n.bytes, n.encoding));
    if (bytes.some((b) => b.length < shortestNeedle)) throw new RangeError("a marker has at least two bytes");
    this.#search = makeSearch(bytes);
    this.#longest = this.#search.longest;
  }

  /** The file's content, from memory where this state of it was read before. Never throws; does not close the file. */
  async read(opened: Opened): Promise<Content> {
    const { key } = opened.stamp;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const running = this.#running.get(key) ?? this.#readNow(opened);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #readNow(opened: Opened): Promise<Content> {
    const { size, key } = opened.stamp;
    const hashed = this.#wanted.sizes.has(size);
    if (size > largest) {
      const unread = { unread: `larger than ${largest} bytes` };
      return { hash: unread, marker: unread, interpreter: undefined };
    }
    try {
      const hash = hashed ? createHash("sha256") : undefined;
      const found = await this.#pass(opened.file, size, hash);
      const values = this.#wanted.needles.filter((_, i) => found.has(i));
      const content: Content = {
        hash: hash === undefined ? { unread: "no identity has this size" } : { value: [hash.digest("hex")] },
        marker: values.length === 0 ? { absent: true } : { value: values },
        interpreter: found.has(this.#wanted.needles.length) ? "node" : undefined,
      };
      const after = stampOf(await opened.file.stat({ bigint: true }));
      if (after.key === key) this.#known.set(key, content); // else it was written to meanwhile
      return content;
    } catch (error) {
      return { hash: { unread: why(error) }, marker: { unread: why(error) }, interpreter: undefined };
    }
  }

  /** Which needles stand where they must. Reads only what a hash or a needle needs, one piece after the other. */
  async #pass(file: FileHandle, size: number, hash: Hash | undefined): Promise<ReadonlySet<number>> {
    const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(piece + this.#longest);
    try {
      return await this.#passWith(buffer, file, size, hash);
    } finally {
      this.#buffers.push(buffer);
    }
  }

  async #passWith(
    buffer: Buffer,
    file: FileHandle,
    size: number,
    hash: Hash | undefined,
  ): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, (await file.read(bytes, 0, length, offset)).bytesRead);
    };
    const inSections = this.#needles.some((n) => n.where === "elf-section");
    const sections = inSections ? await readSections(readAt, size) : [];
    const stands = (needle: number, at: number): void => {
      const wanted = this.#needles[needle];
      if (wanted !== undefined && !found.has(needle) && allowed(wanted, at, size, sections)) found.add(needle);
    };
    for (const [begin, end] of hash === undefined ? this.#ranges(size, sections) : [[0, size] as const]) {
      for (let at = begin; at < end; at += piece) {
        const length = Math.min(piece + this.#longest, end + this.#longest - at, size - at, buffer.length);
        const { bytesRead } = await file.read(buffer, 0, length, at);
        const own = Math.min(piece, end - at, bytesRead);
        hash?.update(buffer.subarray(0, own));
        this.#search.scan(buffer.subarray(0, bytesRead), own, (needle, offset) => stands(needle, at + offset));
        if (bytesRead < own || bytesRead === 0) break;
        if (hash === undefined && found.size === this.#needles.length) return found;
      }
    }
    return found;
  }

  /** The parts of the file in which some needle may stand, merged and in order. */
  #ranges(size: number, sections: readonly Section[]): readonly (readonly [number, number])[] {
    const parts: [number, number][] = [];
    for (const needle of this.#needles) {
      if (needle.where === "anywhere") return [[0, size]];
      if (needle.where === "tail") parts.push([Math.max(0, size - tail), size]);
      else for (const s of sections) if (isSection(needle, s)) parts.push([s.offset, s.offset + s.size]);
    }
    parts.sort((a, b) => a[0] - b[0]);
    const merged: [number, number][] = [];
    for (const part of parts) {
      const last = merged.at(-1);
      if (last !== undefined && part[0] <= last[1]) last[1] = Math.max(last[1], part[1]);
      else merged.push(part);
    }
    return merged;
  }
}

function isSection(needle: Needle, section: Section): boolean {
  return needle.section === undefined || needle.section === section.name;
}

function allowed(needle: Needle, at: number, size: number, sections: readonly Section[]): boolean {
  switch (needle.where) {
    case "anywhere":
      return true;
    case "tail":
      return at >= size - tail;
    case "elf-section":
      return sections.some((s) => isSection(needle, s) && at >= s.offset && at < s.offset + s.size);
    default:
      return needle.where satisfies never;
  }
}
