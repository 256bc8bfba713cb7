/** A map that forgets what was used longest ago. Nothing in it expires: keys name the state they are about. */
export class Lru<K, V> {
  readonly #most: number;
  readonly #map = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    this.#map.delete(key); // a Map iterates in the order of insertion
    this.#map.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#most) return;
    const oldest = this.#map.keys().next();
    if (oldest.done !== true) this.#map.delete(oldest.value);
  }

  entries(): Iterable<readonly [K, V]> {
    return this.#map.entries();
  }

  clear(): void {
    this.#map.clear();
  }
}
