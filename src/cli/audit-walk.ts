import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { walkOn, Walk } from "#observe/walk.ts";
import type { Tour } from "#observe/walker.ts";
import { entryOf } from "#platform/commands.ts";
import { PlatformError } from "#platform/platform.ts";

/** What its thread is told: a tour first, then to walk on each time that more is wanted. */
export type ToWalker = Tour | "more" | "close";
type Answer = ReturnType<typeof walkOn>;

/** Parts that are asked for ahead of whoever reads them: where many programs lie together, the thread must not wait for them to be read. */
const partsAhead = 64;

/** A thread that walks. */
export interface WalkThread {
  /** For one tour. Rejects where the thread ends. */
  readonly walk: Walk;
  /** Ends it after the part that it is at. */
  close(): Promise<void>;
}

/** Starts the thread (audit-walk-main.ts): reading a million names takes a core, and so does looking at what they are. */
export function startWalk(): WalkThread {
  // Descriptors are not opened by Node's means: it has none to close.
  const worker = new Worker(entryOf("cli/audit-walk-main"), { trackUnmanagedFds: false });
  const asked: PromiseWithResolvers<Answer>[] = [];
  let ended: unknown;
  const end = (reason: unknown): void => {
    ended ??= reason;
    for (const { reject } of asked.splice(0)) reject(ended);
  };
  worker.on("message", (answer: Answer) => asked.shift()?.resolve(answer));
  worker.on("error", end);
  worker.on("exit", () => end(new PlatformError("gone", "the thread that walks has ended")));
  const tell = (message: ToWalker): void => worker.postMessage(message);
  const more = (): Promise<Answer> => {
    const answer = Promise.withResolvers<Answer>();
    answer.promise.catch(() => undefined); // whoever waits for it hears of it
    if (ended === undefined) asked.push(answer);
    else answer.reject(ended);
    tell("more");
    return answer.promise;
  };
  return {
    walk: async function* (tour, signal) {
      tell(tour);
      const coming = Array.from({ length: partsAhead }, more);
      for (let next = coming.shift(); next !== undefined; next = coming.shift()) {
        const { part, isLast } = await next;
        if (signal?.aborted === true) return;
        yield part;
        if (isLast) return;
        coming.push(more());
      }
    },
    // By itself: a thread that is ended while it is in koffi takes the process with it.
    close: async () => {
      if (ended !== undefined) return;
      tell("close");
      await once(worker, "exit");
    },
  };
}
