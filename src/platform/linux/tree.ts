import { readdirSync } from "node:fs";
import type { TreeProcess } from "#platform/platform.ts";
import { identityOf, pids, realUid, statusLine, ifReadable } from "#platform/linux/identity.ts";
import { readOnce } from "#platform/linux/read.ts";

/** With more threads than this, looking at each is no less work than looking at every process. */
const mostThreads = 64;

/**
 * Whether a process has no child at this moment, by what each of its threads has (proc_tid_children(5)). False also where that
 * cannot be known: a kernel without CONFIG_PROC_CHILDREN, or a thread that ended meanwhile and left its children to another.
 */
function childless(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    if (threads.length > mostThreads) return false;
    return threads.every((tid) => readOnce(`/proc/${pid}/task/${tid}/children`, 16)?.length === 0);
  } catch {
    return false; // it has ended, or may not be looked at
  }
}

/** Live descendants of a process, parents before children: one look. Zombies, and those that cannot be looked at, are not in it. */
export function tree(root: number): readonly TreeProcess[] {
  if (childless(root)) return [];
  const children = new Map<number, { pid: number; session: number }[]>();
  for (const pid of pids()) {
    const line = ifReadable(() => statusLine(pid));
    if (line === undefined || line.kernel) continue;
    const siblings = children.get(line.ppid) ?? [];
    siblings.push({ pid, session: line.session });
    children.set(line.ppid, siblings);
  }
  const found: TreeProcess[] = [];
  const open = [root];
  const seen = new Set(open); // the table was not read in one moment: a pid used twice could close a circle
  for (let parent = open.shift(); parent !== undefined; parent = open.shift()) {
    for (const { pid, session } of children.get(parent) ?? []) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      open.push(pid);
      const id = ifReadable(() => identityOf(pid));
      const uid = ifReadable(() => realUid(pid));
      if (id !== undefined && uid !== undefined) found.push({ id, ppid: parent, uid, session });
    }
  }
  return found;
}
