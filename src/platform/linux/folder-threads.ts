import { Worker } from "node:worker_threads";
import { entryOf } from "#platform/commands.ts";
import type { FolderAnswers, FolderReader, FoldersAsked } from "#platform/folders.ts";
import { PlatformError } from "#platform/platform.ts";

const threads = 1;

/** Starts threads that read folders. */
export function startFolderReader(): FolderReader {
  const all = Array.from({ length: threads }, () => new Thread());
  return {
    threads,
    read: (asked) => all.reduce((best, one) => (one.asked < best.asked ? one : best)).read(asked),
    close: async () => void (await Promise.all(all.map((one) => one.close()))),
  };
}

/** One thread, which answers in order. */
class Thread {
  readonly #waiting: PromiseWithResolvers<FolderAnswers>[] = [];
  readonly #worker: Worker;
  readonly #gone = Promise.withResolvers<void>();
  #ended: unknown;

  constructor() {
    // Descriptors are not opened by Node's means: it has none to close.
    this.#worker = new Worker(entryOf("platform/linux/folder-thread"), { trackUnmanagedFds: false });
    this.#worker.on("message", (answers: FolderAnswers) => this.#waiting.shift()?.resolve(answers));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => {
      this.#end(new PlatformError("gone", "the thread that reads folders has ended"));
      this.#gone.resolve();
    });
  }

  get asked(): number {
    return this.#waiting.length;
  }

  read(asked: FoldersAsked): Promise<FolderAnswers> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const waiting = Promise.withResolvers<FolderAnswers>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(asked);
    return waiting.promise;
  }

  /** Lets it end by itself: a thread that is ended while it is in koffi takes the process with it. */
  async close(): Promise<void> {
    this.#worker.postMessage("close");
    await this.#gone.promise;
  }

  #end(reason: unknown): void {
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
