import { Bloom, rollingHash } from "#lib/pure/bloom.ts";
import { each, type Pieces } from "#lib/pure/pieces.ts";
import type { Claim } from "#policy/claim.ts";

/** Claims by a key; one alone is kept without a list around it. */
export class Postings {
  readonly #claims = new Map<string, Claim | Claim[]>();
  /** Nearly every key that is asked for is nobody's: it is known here, in one look instead of the map's many. */
  #keys: Bloom | undefined;

  add(key: string, claim: Claim): void {
    this.#keys = undefined;
    const there = this.#claims.get(key);
    if (there === undefined) this.#claims.set(key, claim);
    else if (Array.isArray(there)) there.push(claim);
    else this.#claims.set(key, [there, claim]);
  }

  /** Once all are added. */
  *seal(): Pieces<void> {
    const keys = new Bloom(this.#claims.size);
    yield* each(this.#claims.keys(), (key) => keys.add(rollingHash(key)));
    this.#keys = keys;
  }

  each(key: string, visit: (claim: Claim) => void): void {
    if (this.#claims.size === 0 || this.#keys?.perhaps(rollingHash(key)) === false) return;
    const there = this.#claims.get(key);
    if (there === undefined) return;
    if (Array.isArray(there)) for (const claim of there) visit(claim);
    else visit(there);
  }
}

/** Postings by a few families (ecosystems, hosts), so that no long key is joined for each of a million identities. */
export class Families {
  readonly #families = new Map<string, Postings>();

  add(family: string, key: string, claim: Claim): void {
    let postings = this.#families.get(family);
    if (postings === undefined) this.#families.set(family, (postings = new Postings()));
    postings.add(key, claim);
  }

  *seal(): Pieces<void> {
    for (const postings of this.#families.values()) yield* postings.seal();
  }

  each(family: string, key: string, visit: (claim: Claim) => void): void {
    this.#families.get(family)?.each(key, visit);
  }
}
