import { basename } from "node:path";
import psList from "ps-list";
import type { ProcessRow } from "#platform/platform.ts";
import { atEverybodysPace } from "#platform/priority.ts";
import { glance, type Glance, type Glances } from "#platform/linux/glance.ts";
import { ifReadable, realUid } from "#platform/linux/identity.ts";
import { bootTimeNow } from "#platform/linux/boot.ts";
import { startedAt, ticksPerSecond } from "#platform/linux/proc.ts";

const trustedPath = "/usr/sbin:/usr/bin:/sbin:/bin";
/** Milliseconds between two listings by ps where there is something new at all. */
const listEvery = 60_000;

/** ps-list finds `ps` by PATH, which is ours only for as long as it starts it: it does so before it first waits. */
async function listByPs(): Promise<readonly ProcessRow[]> {
  const path = process.env["PATH"];
  process.env["PATH"] = trustedPath;
  let list: ReturnType<typeof psList>;
  try {
    list = atEverybodysPace(() => psList());
  } finally {
    if (path === undefined) delete process.env["PATH"];
    else process.env["PATH"] = path;
  }
  const rows = await list;
  return rows
    .filter((row) => row.ppid !== process.pid || row.name !== "ps") // ps sees itself
    .map(({ pid, ppid, uid, name, path: program, cmd, startTime }) => ({
      pid,
      ppid,
      uid,
      name,
      path: program ?? "",
      cmd: cmd ?? "",
      started: startTime === undefined ? undefined : startTime.toISOString(),
    }));
}

function rowOf({ line, path, cmd }: Glance, bootTime: number): ProcessRow {
  return {
    pid: line.pid,
    ppid: line.ppid,
    uid: ifReadable(() => realUid(line.pid)),
    name: path === "" ? line.comm : basename(path),
    path,
    cmd,
    started: startedAt(Math.round(bootTime), line.start - (line.start % ticksPerSecond)),
  };
}

/**
 * Makes the sweep. What is new since the last one is read from /proc for a few system calls; what is not keeps its row.
 * ps-list costs more than the rest of an idle agent together: at first and once a minute, if anything is new, it lists
 * everything by other means, and what only it has seen is listed too. It may fail: its answer is bounded, and arguments of
 * 6 MiB can fill it. Nobody hides behind a long command line.
 */
export function createSweep(): () => Promise<readonly ProcessRow[]> {
  let seen: ReadonlyMap<Glance, ProcessRow> = new Map();
  let before: Glances = new Map();
  let listedAt = -Infinity;
  return async () => {
    const due = performance.now() - listedAt >= listEvery;
    const now = await glance(before);
    const fresh = [...now.values()].filter((one) => !seen.has(one));
    const listed = fresh.length > 0 && due ? await listByPs().catch((): readonly ProcessRow[] => []) : [];
    if (fresh.length > 0 && due) listedAt = performance.now();
    const bootTime = fresh.length > 0 ? bootTimeNow() : 0;
    seen = new Map([...now.values()].map((one) => [one, seen.get(one) ?? rowOf(one, bootTime)]));
    before = now;
    return [...seen.values(), ...listed.filter(({ pid }) => !now.has(pid))];
  };
}
