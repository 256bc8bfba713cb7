/** All of them are over when it ends, also where one fails: nothing goes on behind the back of whoever asked. */
export async function together<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<readonly R[]> {
  const ends = await Promise.allSettled(items.map(act));
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
