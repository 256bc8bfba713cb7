/** Begins to watch the event loop; the answer is how many milliseconds it was away at most, from a timer of one millisecond. */
export function watchLoop(): () => number {
  let [last, worst] = [performance.now(), 0];
  const see = (): void => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  };
  const timer = setInterval(see, 1);
  return () => {
    clearInterval(timer);
    see();
    return worst;
  };
}

export interface Timed {
  /** Milliseconds of the whole. */
  readonly took: number;
  /** The most of them in one piece. */
  readonly blocked: number;
}

export async function timed(work: () => Promise<unknown>): Promise<Timed> {
  const blocked = watchLoop();
  const began = performance.now();
  await work();
  return { took: performance.now() - began, blocked: blocked() };
}
