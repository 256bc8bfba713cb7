import { parentPort } from "node:worker_threads";
import { describe, systemCode } from "#lib/errors.ts";
import type { FolderAnswers, FoldersAsked } from "#platform/folders.ts";
import { createFolderReader } from "#platform/linux/folder-reader.ts";

// The thread that reads folders (folder-thread.ts): it loads nothing but this.

const read = createFolderReader();

function answer(folder: string, files: boolean): FolderAnswers[number] {
  try {
    return read(folder, files);
  } catch (error) {
    return { code: systemCode(error), unread: describe(error) };
  }
}

parentPort?.on("message", (asked: FoldersAsked | "close") =>
  asked === "close"
    ? parentPort?.close()
    : parentPort?.postMessage(asked.folders.map((folder) => answer(folder, asked.files))),
);
