import { opendir } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { toBytes, type RawPath } from "#observe/raw-path.ts";
import type { Candidate, Walker } from "#observe/walker.ts";
import type { FolderRead, FolderReader } from "#platform/folders.ts";

/** Walks by Node's own means: each folder is waited for, and nothing is read ahead. */
export async function* walk(walker: Walker, signal?: AbortSignal): AsyncGenerator<readonly Candidate[]> {
  for (let [visit] = walker.next(1); visit !== undefined; [visit] = walker.next(1)) {
    try {
      for await (const part of partsOf(visit.folder)) {
        walker.take(visit, part);
        if (walker.isOver || signal?.aborted === true) return;
        while (walker.waiting > 0) yield walker.found();
      }
    } catch (error) {
      walker.fail(visit, error);
    }
  }
  while (walker.waiting > 0) yield walker.found();
}

/** One folder, entry by entry: memory does not grow with it. */
async function* partsOf(folder: RawPath): AsyncGenerator<FolderRead> {
  // Names come as Latin-1, one character a byte: opendir's types know no buffers.
  for await (const entry of await opendir(toBytes(folder), { encoding: "latin1" })) {
    const names = [entry.name];
    if (entry.isDirectory()) yield { folders: names, programs: [], passed: 1 };
    else if (entry.isFile() || entry.isSymbolicLink()) yield { folders: [], programs: names, passed: 1 };
    else yield { folders: [], programs: [], passed: 1 };
  }
}

/** Folders that a reader is given at once. */
const together = 64;
/** Calls that run or wait, so that the reader need not wait for us. */
const calls = 8;
/** What is found waits for whoever is slower, and then so do the readers. */
const mostWaiting = 10_000;

/** Walks with a reader, which reads on while what was found is looked at. */
export async function* walkAhead(
  walker: Walker,
  reader: FolderReader,
  signal?: AbortSignal,
): AsyncGenerator<readonly Candidate[]> {
  const running = new Set<Promise<void>>();
  const ask = async (visits: ReturnType<Walker["next"]>): Promise<void> => {
    const folders = visits.map(({ folder }) => folder);
    const answers = await reader.read({ folders, files: visits[0]?.files === true });
    for (const [i, visit] of visits.entries()) {
      const answer = answers[i];
      if (answer === undefined) continue;
      if ("unread" in answer) walker.fail(visit, Object.assign(new Error(answer.unread), { code: answer.code }));
      else walker.take(visit, answer);
    }
  };
  const isStopped = (): boolean => signal?.aborted === true;
  const fill = (): void => {
    while (running.size < calls && walker.waiting < mostWaiting && !isStopped()) {
      const visits = walker.next(together);
      if (visits.length === 0) return;
      const one = ask(visits).then(() => {
        running.delete(one);
        fill();
      });
      running.add(one);
      one.catch(() => undefined); // it stays among those that run, and is thrown below
    }
  };
  for (fill(); (running.size > 0 || walker.waiting > 0) && !isStopped(); fill()) {
    await (walker.waiting === 0 ? Promise.race(running) : turn());
    yield walker.found();
  }
}
