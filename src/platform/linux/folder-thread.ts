import { parentPort } from "node:worker_threads";
import { describe, systemCode } from "#lib/errors.ts";
import { createFolderReader } from "#platform/linux/folder-reader.ts";
import type { FolderAsked, FolderRead, FolderUnread } from "#platform/folders.ts";

// A thread that reads folders (folder-threads.ts): it loads nothing but this.

const read = createFolderReader();

function answer(asked: FolderAsked): FolderRead | FolderUnread {
  try {
    return read(asked);
  } catch (error) {
    return { code: systemCode(error), unread: describe(error) };
  }
}

parentPort?.on("message", (asked: readonly FolderAsked[]) => parentPort?.postMessage(asked.map(answer)));
