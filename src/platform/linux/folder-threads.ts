import { Worker } from "node:worker_threads";
import { entryOf } from "#platform/commands.ts";
import type { FolderAsked, FolderReader } from "#platform/folders.ts";
import { PlatformError } from "#platform/platform.ts";

type Answers = Awaited<ReturnType<FolderReader["read"]>>;

/** Two: while one waits for a disk, or its processor, the other goes on. */
const threads = 2;

/** Starts threads that read folders. */
export function startFolderReader(): FolderReader {
  const all = Array.from({ length: threads }, () => new Thread());
  return {
    threads,
    read: (asked) => all.reduce((best, one) => (one.asked < best.asked ? one : best)).read(asked),
    close: () => all.forEach((one) => one.close()),
  };
}

/** One thread, which answers in order. */
class Thread {
  readonly #waiting: PromiseWithResolvers<Answers>[] = [];
  readonly #worker: Worker;
  #ended: unknown;

  constructor() {
    // Descriptors are not opened by Node's means: it has none to close.
    this.#worker = new Worker(entryOf("platform/linux/folder-thread"), { trackUnmanagedFds: false });
    this.#worker.on("message", (answers: Answers) => this.#waiting.shift()?.resolve(answers));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new PlatformError("gone", "the thread that reads folders has ended")));
  }

  get asked(): number {
    return this.#waiting.length;
  }

  read(asked: readonly FolderAsked[]): Promise<Answers> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const waiting = Promise.withResolvers<Answers>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(asked);
    return waiting.promise;
  }

  close(): void {
    void this.#worker.terminate();
  }

  #end(reason: unknown): void {
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
