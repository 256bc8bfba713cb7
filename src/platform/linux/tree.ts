import type { TreeProcess } from "#platform/platform.ts";
import { identityOf, pids, realUid, statusLine, ifReadable } from "#platform/linux/identity.ts";

/** Live descendants of a process, parents before children: one look. Zombies, and those that cannot be looked at, are not in it. */
export function tree(root: number): readonly TreeProcess[] {
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
