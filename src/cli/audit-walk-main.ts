import { parentPort } from "node:worker_threads";
import type { FromWalker, ToWalker } from "#cli/audit-walker.ts";
import { walkOn } from "#observe/walk.ts";
import { Walker } from "#observe/walker.ts";
import { selectFolderReader } from "#platform/select.ts";

// A thread that walks (audit-walker.ts): it loads nothing but this.

const read = await selectFolderReader();
let walker: Walker | undefined;
/** Parts that were asked for and not given. */
let owed = 0;
/** Whether it walks on as soon as it has heard what it is told. */
let isComing = false;

const say = (message: FromWalker): void => parentPort?.postMessage(message);

function give(): void {
  isComing = false;
  if (walker === undefined || owed === 0) return;
  const [began, worked] = [performance.now(), process.threadCpuUsage()];
  const { part, isLast } = walkOn(walker, read);
  const { user, system } = process.threadCpuUsage(worked);
  owed -= 1;
  say({ say: "part", part, took: performance.now() - began, worked: (user + system) / 1000 });
  if (isLast) say({ say: "idle" });
  else comeBack();
}

function comeBack(): void {
  if (!isComing) setImmediate(give);
  isComing = true;
}

parentPort?.on("message", (message: ToWalker) => {
  switch (message.tell) {
    case "tour":
      walker = new Walker(message.tour);
      return comeBack();
    case "branches":
      walker?.add(message.branches);
      return comeBack();
    case "more":
      if (owed === 0) comeBack();
      owed += message.parts;
      return;
    case "spare":
      return say({ say: "spare", branches: walker?.spare() ?? [] });
    case "close":
      owed = 0;
      return parentPort?.close();
    default:
      return message satisfies never;
  }
});
