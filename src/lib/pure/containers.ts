/**
 * Folders that container engines keep the files of images and containers in, by what follows them: Docker's "storage drivers",
 * containerd's docs/ops.md, containers-storage.conf(5), lxc.container.conf(5), systemd-nspawn(1).
 */
const folders: readonly (readonly [engine: string, folder: string])[] = [
  ["docker", "/docker/overlay2/"],
  ["docker", "/docker/fuse-overlayfs/"],
  ["docker", "/docker/btrfs/subvolumes/"],
  ["docker", "/docker/vfs/dir/"],
  ["docker", "/docker/rootfs/"],
  ["containerd", "/io.containerd.snapshotter.v1."],
  ["containerd", "/io.containerd.runtime.v2.task/"],
  ["podman", "/containers/storage/overlay/"],
  ["podman", "/containers/storage/btrfs/"],
  ["podman", "/containers/storage/vfs/dir/"],
  ["lxc", "/var/lib/lxc/"],
  ["lxc", "/lxd/storage-pools/"],
  ["lxc", "/incus/storage-pools/"],
  ["nspawn", "/var/lib/machines/"],
];

/** Whose container or image a path lies in: what is installed there is not installed on this machine. */
export function containerOf(path: string): string | undefined {
  return folders.find(([, folder]) => path.includes(folder))?.[0];
}

/** Names of the last of these folders, and what the names of those begin with that have many. */
const names: ReadonlySet<string> = new Set(folders.map(([, folder]) => folder.split("/").at(-2) ?? ""));
const prefixes = folders.flatMap(([, folder]) =>
  folder.endsWith("/") ? [] : folder.slice(folder.lastIndexOf("/") + 1),
);

/** Whether a folder of this name can be one in which files of containers or images lie; of most a look at the name says no. */
export function mayHoldContainers(name: string): boolean {
  return names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

/** What they call the control groups of containers: by cgroupfs, and as systemd's scopes. */
const groups: readonly (readonly [engine: string, group: RegExp])[] = [
  ["docker", /\/docker[/-][0-9a-f]{64}/],
  ["podman", /\/libpod-(?:payload-)?[0-9a-f]{64}/],
  ["containerd", /\/(?:cri-containerd|nerdctl)-[0-9a-f]{64}/],
  ["cri-o", /\/crio-[0-9a-f]{64}/],
  ["lxc", /\/lxc\.payload[./]/],
  ["nspawn", /\/systemd-nspawn@[^/\n]*\.service\/payload/],
];

/** Whose container a process is in, by its /proc/PID/cgroup (cgroups(7)). */
export function containerOfGroups(cgroup: string): string | undefined {
  return groups.find(([, group]) => group.test(cgroup))?.[0];
}
