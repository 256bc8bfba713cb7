/** Work that stops at places where whoever does it may do something else meanwhile. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** All of it at once. */
export function whole<T>(pieces: Pieces<T>): T {
  for (;;) {
    const piece = pieces.next();
    if (piece.done === true) return piece.value;
  }
}

/** Entries of a long list that are one piece where each is microseconds of work: some milliseconds. */
const together = 5_000;

/** The same for each entry, `size` of them in a piece. */
export function* each<T>(list: Iterable<T>, act: (one: T) => void, size = together): Pieces<void> {
  let count = 0;
  for (const one of list) {
    act(one);
    count += 1;
    if (count % size === 0) yield;
  }
}
