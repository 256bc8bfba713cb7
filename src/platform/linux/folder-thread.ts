import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { entryOf } from "#platform/commands.ts";
import type { FolderAnswers, FolderReader, FoldersAsked } from "#platform/folders.ts";
import { PlatformError } from "#platform/platform.ts";

/** Starts the thread that reads folders (folder-main.ts); it answers in order. */
export function startFolderReader(): FolderReader {
  // Descriptors are not opened by Node's means: it has none to close.
  const worker = new Worker(entryOf("platform/linux/folder-main"), { trackUnmanagedFds: false });
  const waiting: PromiseWithResolvers<FolderAnswers>[] = [];
  let ended: unknown;
  const end = (reason: unknown): void => {
    ended ??= reason;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  worker.on("message", (answers: FolderAnswers) => waiting.shift()?.resolve(answers));
  worker.on("error", end);
  worker.on("exit", () => end(new PlatformError("gone", "the thread that reads folders has ended")));
  return {
    read: (asked: FoldersAsked) => {
      if (ended !== undefined) return Promise.reject(ended);
      const answers = Promise.withResolvers<FolderAnswers>();
      waiting.push(answers);
      worker.postMessage(asked);
      return answers.promise;
    },
    // By itself: a thread that is ended while it is in koffi takes the process with it.
    close: async () => {
      if (ended !== undefined) return;
      worker.postMessage("close");
      await once(worker, "exit");
    },
  };
}
