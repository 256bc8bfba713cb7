import { containerOf, containerOfGroups } from "#lib/pure/containers.ts";
import { parseMounts, textOf } from "#platform/linux/gate/mounts.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { readSmall } from "#platform/linux/read.ts";

/** Bytes of /proc/PID/cgroup and /proc/PID/mountinfo; whoever makes namespaces can fill them. */
const longestGroups = 64 * 1024;
const longestMounts = 1024 * 1024;

/**
 * The engine whose container a process is in, by its control groups, or by the folder that its root directory lies on. Asked of one
 * whose mounts are not ours. Whoever may make namespaces can be taken for a container: it is a mark, and nothing rests on it.
 */
export function engineOf(pid: number): string | undefined {
  const read = (name: string, most: number): Buffer =>
    ifReadable(() => readSmall(`/proc/${pid}/${name}`, most)) ?? Buffer.alloc(0);
  const engine = containerOfGroups(read("cgroup", longestGroups).toString("latin1"));
  if (engine !== undefined) return engine;
  const root = parseMounts(read("mountinfo", longestMounts)).findLast(({ path }) => textOf(path) === "/");
  const folders = root === undefined ? [] : [root.root, ...root.layers].map((folder) => `${textOf(folder)}/`);
  return folders.map(containerOf).find((one) => one !== undefined);
}
