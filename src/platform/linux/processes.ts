import { createHash } from "node:crypto";
import { basename } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import psList from "ps-list";
import type { ProcessRow } from "#platform/platform.ts";
import { pids, realUid, statusLine, ifReadable } from "#platform/linux/identity.ts";
import { parseBootTime, parseCmdline, startedAt } from "#platform/linux/proc.ts";
import { readLink, readSmall } from "#platform/linux/read.ts";

/** How much of a command line tells one program's run from another's in a sweep. */
const glanceLimit = 4096;
/** Processes looked at before others have a turn: a few milliseconds. */
const chunk = 100;
const trustedPath = "/usr/sbin:/usr/bin:/sbin:/bin";

interface Glance {
  readonly pid: number;
  readonly ppid: number;
  readonly start: number;
  readonly comm: string;
  readonly path: string;
  readonly cmd: string;
}

/** A look at every process that starts no other: a twentieth of the cost of ps. */
async function glance(): Promise<readonly Glance[]> {
  const found: Glance[] = [];
  for (const [i, pid] of pids().entries()) {
    if (i % chunk === chunk - 1) await turn();
    const line = ifReadable(() => statusLine(pid));
    if (line === undefined) continue;
    const path = line.kernel ? undefined : ifReadable(() => readLink(`/proc/${pid}/exe`));
    const cmd = line.kernel ? undefined : ifReadable(() => readSmall(`/proc/${pid}/cmdline`, glanceLimit));
    found.push({
      pid,
      ppid: line.ppid,
      start: line.start,
      comm: line.comm,
      path: path?.toString("utf8") ?? "",
      cmd: parseCmdline(cmd ?? Buffer.of())
        .map((bytes) => Buffer.from(bytes).toString("utf8"))
        .join(" "),
    });
  }
  return found;
}

function fingerprint(all: readonly Glance[]): string {
  const hash = createHash("sha256");
  for (const { pid, ppid, start, path, cmd } of all) hash.update(`${pid} ${ppid} ${start}\0${path}\0${cmd}\0`);
  return hash.digest("base64");
}

/** ps-list finds `ps` by PATH, which is ours only for as long as it starts it: it does so before it first waits. */
async function listByPs(): Promise<readonly ProcessRow[]> {
  const path = process.env["PATH"];
  process.env["PATH"] = trustedPath;
  let list: ReturnType<typeof psList>;
  try {
    list = psList();
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

function rowOf(seen: Glance, bootTime: number | undefined): ProcessRow {
  return {
    pid: seen.pid,
    ppid: seen.ppid,
    uid: ifReadable(() => realUid(seen.pid)),
    name: seen.path === "" ? seen.comm : basename(seen.path),
    path: seen.path,
    cmd: seen.cmd,
    started: bootTime === undefined ? undefined : startedAt(bootTime, seen.start),
  };
}

/**
 * Makes the sweep. It glances at /proc and asks ps-list only when something is new there, since ps costs more than
 * the rest of an idle agent together. What ps does not list (its answer is bounded, and arguments of 6 MiB can fill it)
 * is listed from the glance: nobody hides behind a long command line.
 */
export function createSweep(): () => Promise<readonly ProcessRow[]> {
  let last: { readonly print: string; readonly rows: readonly ProcessRow[] } | undefined;
  return async () => {
    const seen = await glance();
    const print = fingerprint(seen);
    if (last?.print === print) return last.rows;
    const listed = await listByPs().catch((): readonly ProcessRow[] => []);
    const known = new Set(listed.map(({ pid }) => pid));
    const boot = readSmall("/proc/stat", 1024 * 1024);
    const bootTime = boot === undefined ? undefined : parseBootTime(boot);
    const rows = [...listed, ...seen.filter(({ pid }) => !known.has(pid)).map((one) => rowOf(one, bootTime))];
    last = { print, rows };
    return rows;
  };
}
