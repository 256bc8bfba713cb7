import { parentPort } from "node:worker_threads";
import type { ToWalker } from "#cli/audit-walk.ts";
import { walkOn } from "#observe/walk.ts";
import { Walker } from "#observe/walker.ts";
import { selectFolderReader } from "#platform/select.ts";

// The thread that walks (audit-walk.ts): it loads nothing but this.

const read = await selectFolderReader();
let walker: Walker | undefined;
/** Parts that were asked for and not given. */
let owed = 0;

/** Gives one part and then hears what it is told meanwhile, such as that it is to end. */
function give(): void {
  if (walker === undefined || owed === 0) return;
  owed -= 1;
  parentPort?.postMessage(walkOn(walker, read));
  setImmediate(give);
}

parentPort?.on("message", (message: ToWalker) => {
  if (message === "close") {
    owed = 0;
    parentPort?.close();
  } else if (message === "more") {
    owed += 1;
    if (owed === 1) give();
  } else walker = new Walker(message);
});
