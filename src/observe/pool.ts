/** Does `work` for every item, at most `most` at a time, in the order they come. Stops taking items once aborted. */
export async function eachOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const item of items) {
    if (signal?.aborted === true) break;
    const one = work(item).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= most) await Promise.race(running);
  }
  await Promise.all(running);
}

/** Results in the order of the tasks, of which up to `most` are begun ahead of the reader. Tasks must not throw. */
export async function* ahead<T>(tasks: AsyncIterable<() => Promise<T>>, most: number): AsyncGenerator<T> {
  const begun: Promise<T>[] = [];
  for await (const task of tasks) {
    begun.push(task());
    const first = begun.length >= most ? begun.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const one of begun) yield await one;
}
