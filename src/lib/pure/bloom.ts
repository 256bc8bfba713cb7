/** "Certainly not" or "perhaps", from a table that stays in the processor's cache where the map it guards does not. */
export class Bloom {
  readonly #bits: Uint32Array;
  readonly #mask: number;

  /** @param keys how many will be added; about 1 answer in 50 is then a false "perhaps" */
  constructor(keys: number) {
    const bits = 2 ** Math.max(6, Math.ceil(Math.log2(keys * 16 + 1)));
    this.#bits = new Uint32Array(bits / 32);
    this.#mask = bits - 1;
  }

  /** @param hash 32 bits of the key's `rollingHash` */
  add(hash: number): void {
    const [a, b] = [hash & this.#mask, Math.imul(hash, 0x9e3779b1) & this.#mask];
    this.#bits[a >>> 5] = (this.#bits[a >>> 5] ?? 0) | (1 << (a & 31));
    this.#bits[b >>> 5] = (this.#bits[b >>> 5] ?? 0) | (1 << (b & 31));
  }

  perhaps(hash: number): boolean {
    const a = hash & this.#mask;
    if (((this.#bits[a >>> 5] ?? 0) & (1 << (a & 31))) === 0) return false;
    const b = Math.imul(hash, 0x9e3779b1) & this.#mask;
    return ((this.#bits[b >>> 5] ?? 0) & (1 << (b & 31))) !== 0;
  }
}

/** FNV-1a over a part of a text's UTF-16 units, mixed; made for tables in memory, never stored. */
export function rollingHash(text: string, from = 0, to = text.length): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
