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

/** One look for all of them at once: most paths lie in none. */
const anyFolder = new RegExp(folders.map(([, folder]) => RegExp.escape(folder)).join("|"));

/** Whose container or image a path lies in: what is installed there is not installed on this machine. */
export function containerOf(path: string): string | undefined {
  return anyFolder.test(path) ? folders.find(([, folder]) => path.includes(folder))?.[0] : undefined;
}
