/** The strict pass over a JSON text: RFC 8259, bounds, and no doubts about what a key means. */

export interface JsonBounds {
  /** Of the whole text. */
  readonly bytes: number;
  /** Arrays and objects inside one another. */
  readonly depth: number;
  /** Bytes between the quotes, as written. */
  readonly string: number;
  /** Keys of one object; 256 where it is left out. */
  readonly keys?: number;
}

/** More than most of our objects have; it keeps the search for duplicates short. */
const maxKeys = 256;

export type JsonPath = readonly (string | number)[];

export type JsonErrorCode = "bounds" | "encoding" | "syntax" | "comment" | "duplicate-key";

export class JsonError extends Error {
  readonly code: JsonErrorCode;
  readonly path: JsonPath;
  /** From 1. */
  readonly line: number;
  constructor(code: JsonErrorCode, message: string, path: JsonPath, line: number, options?: ErrorOptions) {
    super(message, options);
    this.name = "JsonError";
    this.code = code;
    this.path = path;
    this.line = line;
  }
}

/** Lines, from 1, up to a byte. */
export function lineOf(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let i = 0; i < end; i += 1) if (bytes[i] === 0x0a) line += 1;
  return line;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** One pass over the bytes; builds nothing but what an error must name. */
export class Scanner {
  readonly #bytes: Uint8Array;
  readonly #bounds: JsonBounds;
  #at = 0;
  /** Keys of all open objects: where each begins and ends, and its hash. */
  readonly #keyFrom: number[] = [];
  readonly #keyTo: number[] = [];
  readonly #keyHash: number[] = [];
  /** For each open array the index it is at, for each object -1. */
  readonly #open: number[] = [];
  /** For each of them, how many keys its parents have. */
  readonly #firstKeys: number[] = [];

  constructor(bytes: Uint8Array, bounds: JsonBounds) {
    this.#bytes = bytes;
    this.#bounds = bounds;
  }

  scan(): void {
    this.#space();
    this.#value();
    this.#space();
    if (this.#at < this.#bytes.length) this.#fail("syntax", "expected nothing more");
  }

  #fail(code: JsonErrorCode, message: string, at = this.#at): never {
    const found = code === "syntax" ? `, found ${this.#found(at)}` : "";
    throw new JsonError(code, message + found, this.#path(), lineOf(this.#bytes, at));
  }

  #found(at: number): string {
    const byte = this.#bytes[at];
    if (byte === undefined) return "the end of the text";
    return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte 0x${byte.toString(16)}`;
  }

  #path(): JsonPath {
    // The last key of an open object stands just before the first of the next one inside it.
    const path: (string | number)[] = [];
    let end = this.#keyFrom.length;
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const index = this.#open[i] ?? 0;
      if (index >= 0) path.unshift(index);
      else {
        const own = this.#firstKeys[i] ?? 0;
        if (end > own) path.unshift(this.#text(this.#keyFrom[end - 1] ?? 0, this.#keyTo[end - 1] ?? 0));
        end = own;
      }
    }
    return path;
  }

  #text(from: number, to: number): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.#bytes.subarray(from, to));
  }

  #space(): void {
    for (; ; this.#at += 1) {
      const c = this.#bytes[this.#at];
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) continue;
      const next = this.#bytes[this.#at + 1];
      if (c === 0x23 || (c === 0x2f && (next === 0x2f || next === 0x2a)))
        this.#fail("comment", "comments are not JSON; put it into a note beside the file");
      return;
    }
  }

  #value(): void {
    const c = this.#bytes[this.#at];
    switch (c) {
      case openObject:
        return this.#object();
      case openArray:
        return this.#array();
      case quote:
        return void this.#string();
      case 0x74:
        return this.#word("true");
      case 0x66:
        return this.#word("false");
      case 0x6e:
        return this.#word("null");
      case undefined:
      default:
        return this.#number();
    }
  }

  #enter(index: number): void {
    if (this.#open.length >= this.#bounds.depth)
      this.#fail("bounds", `more than ${this.#bounds.depth} arrays and objects inside one another`);
    this.#open.push(index);
    this.#firstKeys.push(this.#keyFrom.length);
    this.#at += 1;
    this.#space();
  }

  #leave(): void {
    this.#open.pop();
    const first = this.#firstKeys.pop() ?? 0;
    this.#keyFrom.length = this.#keyTo.length = this.#keyHash.length = first;
    this.#at += 1;
  }

  #array(): void {
    this.#enter(0);
    const level = this.#open.length - 1;
    if (this.#bytes[this.#at] === closeArray) return this.#leave();
    for (;;) {
      this.#value();
      this.#space();
      const c = this.#bytes[this.#at];
      if (c === closeArray) return this.#leave();
      if (c !== comma) this.#fail("syntax", "expected , or ]");
      this.#at += 1;
      this.#open[level] = (this.#open[level] ?? 0) + 1;
      this.#space();
    }
  }

  #object(): void {
    this.#enter(-1);
    if (this.#bytes[this.#at] === closeObject) return this.#leave();
    for (;;) {
      if (this.#bytes[this.#at] !== quote) this.#fail("syntax", "expected a key in double quotes");
      this.#key();
      this.#space();
      if (this.#bytes[this.#at] !== colon) this.#fail("syntax", "expected :");
      this.#at += 1;
      this.#space();
      this.#value();
      this.#space();
      const c = this.#bytes[this.#at];
      if (c === closeObject) return this.#leave();
      if (c !== comma) this.#fail("syntax", "expected , or }");
      this.#at += 1;
      this.#space();
    }
  }

  #key(): void {
    const from = this.#at + 1;
    const hash = this.#string();
    const to = this.#at - 1;
    if (hash === undefined) this.#fail("syntax", "a key is written without escapes", from - 1);
    const first = this.#firstKeys.at(-1) ?? 0;
    const known = this.#keyFrom.length;
    this.#keyFrom.push(from);
    this.#keyTo.push(to);
    this.#keyHash.push(hash);
    const { keys = maxKeys } = this.#bounds;
    if (known - first >= keys) this.#fail("bounds", `more than ${keys} keys in one object`, from);
    for (let i = first; i < known; i += 1)
      if (this.#keyHash[i] === hash && this.#same(this.#keyFrom[i] ?? 0, this.#keyTo[i] ?? 0, from, to))
        this.#fail("duplicate-key", `the key ${JSON.stringify(this.#text(from, to))} stands here twice`, from);
    if (to - from === 9 && this.#text(from, to) === "__proto__") this.#fail("syntax", "__proto__ is no key", from);
  }

  #same(aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
    if (aTo - aFrom !== bTo - bFrom) return false;
    for (let i = aTo - aFrom - 1; i >= 0; i -= 1) if (this.#bytes[aFrom + i] !== this.#bytes[bFrom + i]) return false;
    return true;
  }

  /** Its hash, or undefined where it has escapes. */
  #string(): number | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    let hash = 0x811c9dc5;
    let escaped = false;
    let i = start + 1;
    for (; ; i += 1) {
      const c = bytes[i];
      if (c === quote) break;
      if (c === undefined || c < 0x20) this.#fail("syntax", "expected the end of this string", i);
      if (c === backslash) {
        escaped = true;
        i = this.#escape(i);
      }
      hash = Math.imul(hash ^ c, 0x01000193);
    }
    const length = i - start - 1;
    if (length > this.#bounds.string)
      this.#fail("bounds", `a string of ${length} bytes, the bound is ${this.#bounds.string}`, start);
    this.#at = i + 1;
    if (!escaped) return hash;
    const text: unknown = JSON.parse(this.#text(start, i + 1));
    if (typeof text === "string" && !text.isWellFormed())
      this.#fail("encoding", "half of a surrogate pair is no character", start);
    return undefined;
  }

  /** RFC 8259 section 7. @returns the last byte of the escape that begins at `at` */
  #escape(at: number): number {
    const c = this.#bytes[at + 1];
    if (c === 0x75) {
      for (let i = at + 2; i < at + 6; i += 1)
        if (!isHex(this.#bytes[i])) this.#fail("syntax", "expected four hexadecimal digits", i);
      return at + 5;
    }
    // " \ / b f n r t
    if (c === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(c)))
      this.#fail("syntax", "expected an escape of JSON", at + 1);
    return at + 1;
  }

  #word(word: string): void {
    for (let i = 0; i < word.length; i += 1)
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) this.#fail("syntax", `expected ${word}`, this.#at + i);
    this.#at += word.length;
  }

  /** RFC 8259 section 6. */
  #number(): void {
    const start = this.#at;
    if (this.#bytes[this.#at] === 0x2d) this.#at += 1;
    if (this.#bytes[this.#at] === 0x30) this.#at += 1;
    else this.#digits(start === this.#at ? "a value" : "a digit");
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at += 1;
      this.#digits("a digit");
    }
    const c = this.#bytes[this.#at];
    if (c !== 0x65 && c !== 0x45) return;
    this.#at += 1;
    const sign = this.#bytes[this.#at];
    if (sign === 0x2b || sign === 0x2d) this.#at += 1;
    this.#digits("a digit");
  }

  #digits(expected: string): void {
    if (!isDigit(this.#bytes[this.#at])) this.#fail("syntax", `expected ${expected}`);
    while (isDigit(this.#bytes[this.#at])) this.#at += 1;
  }
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 0x30 && c <= 0x39;
}

function isHex(c: number | undefined): boolean {
  return isDigit(c) || (c !== undefined && (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66);
}
