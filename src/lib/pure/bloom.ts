/** "Certainly not" or "perhaps", from a table that stays in the processor's cache where the map it guards does not. */
export class Bloom {
  readonly #words: Uint32Array;
  readonly #shift: number;

  /** @param keys how many will be added; about 1 answer in 100 is then a false "perhaps" */
  constructor(keys: number) {
    const bits = Math.max(1, Math.ceil(Math.log2(keys / 2)));
    this.#words = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  /** @param hash 32 bits of the key's `rollingHash` */
  add(hash: number): void {
    const at = this.#place(hash);
    this.#words[at] = (this.#words[at] ?? 0) | bitsOf(hash);
  }

  perhaps(hash: number): boolean {
    const bits = bitsOf(hash);
    return ((this.#words[this.#place(hash)] ?? 0) & bits) === bits;
  }

  /** All bits of a key are in one word, so that a look-up misses the cache at most once. */
  #place(hash: number): number {
    return Math.imul(hash, 0x9e3779b1) >>> this.#shift;
  }
}

/** Three of 32 bits. */
function bitsOf(hash: number): number {
  return (1 << hash) | (1 << (hash >>> 5)) | (1 << (hash >>> 10));
}

/** FNV-1a over a part of a text's UTF-16 units, mixed; made for tables in memory, never stored. */
export function rollingHash(text: string, from = 0, to = text.length): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
