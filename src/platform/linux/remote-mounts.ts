import { parseMounts } from "#platform/linux/gate/mounts.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { readSmall } from "#platform/linux/read.ts";

/** Bytes of /proc/self/mountinfo; a machine full of containers has some hundred kilobytes. */
const longest = 16 * 1024 * 1024;

/** Types of filesystems that wait for another machine, or for a program that may (fuse, and autofs mounts what one looks at). */
const types: ReadonlySet<string> = new Set([
  "nfs",
  "nfs4",
  "cifs",
  "smb3",
  "smbfs",
  "9p",
  "ceph",
  "afs",
  "lustre",
  "glusterfs",
  "ocfs2",
  "gfs2",
  "beegfs",
  "autofs",
  "fuse",
]);

/** Mount points in a mountinfo file that lead to other machines, as text. Pure. */
export function remoteIn(mountinfo: Uint8Array): readonly string[] {
  const remote = parseMounts(mountinfo).filter(({ type }) => types.has(type.split(".", 1)[0] ?? ""));
  return remote.map(({ path }) => Buffer.from(path).toString("utf8"));
}

/** Where this machine has other machines' files. */
export function remoteMounts(): readonly string[] {
  return remoteIn(ifReadable(() => readSmall("/proc/self/mountinfo", longest)) ?? new Uint8Array());
}
