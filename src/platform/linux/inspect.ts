import type { BigIntStats } from "node:fs";
import type { ProcessDetail } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { engineOf } from "#platform/linux/container.ts";
import { identityOf, processOf, realUid, statusLine, ifReadable } from "#platform/linux/identity.ts";
import { deviceText, parseCmdline, type ProcStat } from "#platform/linux/proc.ts";
import { readLink, readSmall, statOf } from "#platform/linux/read.ts";

/** Arguments past this many bytes are cut: they can have 6 MiB (execve(2)), and a policy's strings have 4 KiB. */
const argvLimit = 256 * 1024;
const deletedSuffix = Buffer.from(" (deleted)");

function sameFile(a: BigIntStats | undefined, b: BigIntStats): boolean {
  return a !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** A path for people, and its very bytes where they are not UTF-8. */
export function pathOf(bytes: Buffer): Pick<FileSeen, "path" | "pathBytes"> {
  const path = bytes.toString("utf8");
  return Buffer.from(path).equals(bytes) ? { path } : { path, pathBytes: bytes.toString("base64") };
}

/**
 * The program's path. The kernel appends " (deleted)" to an unlinked one (proc_pid_exe(5)), but a file can be called so:
 * then the whole name still leads to the program.
 */
function programPath(pid: number, link: Buffer, program: BigIntStats): { path: Buffer; deleted: boolean } {
  if (!link.subarray(-deletedSuffix.length).equals(deletedSuffix)) return { path: link, deleted: false };
  const there = ifReadable(() => statOf(Buffer.concat([Buffer.from(`/proc/${pid}/root`), link])));
  if (sameFile(there, program)) return { path: link, deleted: false };
  return { path: link.subarray(0, -deletedSuffix.length), deleted: true };
}

/** Whether a process sees the same files under the same names as we do: mount namespace and root directory. */
export function sharesMounts(pid: number | string): boolean {
  const namespace = ifReadable(() => statOf(`/proc/${pid}/ns/mnt`));
  const root = ifReadable(() => statOf(`/proc/${pid}/root`));
  const [ours, ourRoot] = [statOf("/proc/self/ns/mnt"), statOf("/proc/self/root")];
  return ours !== undefined && ourRoot !== undefined && sameFile(namespace, ours) && sameFile(root, ourRoot);
}

/** What reading a process needs besides. */
export interface Known {
  /** Names a uid. */
  readonly user: (uid: number) => string | undefined;
  /** What a process was started with, where that is known. */
  readonly startedWith: (line: ProcStat) => readonly Uint8Array[] | undefined;
}

/**
 * A process as it is now: read twice where it changed under our hands.
 * Undefined when it has gone or has no program. @throws PlatformError `denied` where this user may not look.
 */
export function inspect(pid: number, known: Known): ProcessDetail | undefined {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const before = identityOf(pid);
    if (before === undefined) return undefined;
    const detail = read(pid, known);
    const after = identityOf(pid);
    if (detail === undefined || after === undefined) return undefined;
    const { process: p, program } = detail;
    const same = [before, after].every(
      (id) => id.start === p.start && id.dev === program.dev && id.ino === program.ino,
    );
    if (same) return detail; // else it ran another program meanwhile: what was read belongs to neither
  }
  return undefined;
}

function read(pid: number, { user, startedWith }: Known): ProcessDetail | undefined {
  const image = `/proc/${pid}/exe`;
  const line = statusLine(pid);
  const uid = realUid(pid);
  // The kernel names no path past 4 KiB (ENAMETOOLONG): the link itself leads there still.
  const link = ifReadable(() => readLink(image)) ?? Buffer.from(image);
  const file = statOf(image);
  const argv = readSmall(`/proc/${pid}/cmdline`, argvLimit);
  if (line === undefined || uid === undefined || file === undefined || argv === undefined) return undefined;
  const { path, deleted } = programPath(pid, link, file);
  const argvBytes = startedWith(line) ?? parseCmdline(argv);
  const cwd = ifReadable(() => readLink(`/proc/${pid}/cwd`));
  const name = user(uid);
  const shares = sharesMounts(pid);
  const container = shares ? undefined : engineOf(pid);
  return {
    process: {
      ...processOf(line, uid),
      ...(name !== undefined && { user: name }),
      argv: argvBytes.map((bytes) => Buffer.from(bytes).toString("utf8")),
      ...(cwd !== undefined && { cwd: cwd.toString("utf8") }),
    },
    program: {
      ...pathOf(path),
      dev: deviceText(file.dev),
      ino: String(file.ino),
      size: Number(file.size),
      nlink: Number(file.nlink),
      owner: Number(file.uid),
      ...(container !== undefined && { container }),
    },
    image,
    argvBytes,
    ways: { root: `/proc/${pid}/root`, cwd: `/proc/${pid}/cwd`, descriptors: `/proc/${pid}/fd` },
    sameMounts:
      shares &&
      (deleted ||
        sameFile(
          ifReadable(() => statOf(path)),
          file,
        )),
  };
}
