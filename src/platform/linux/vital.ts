import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { VitalFile } from "#platform/platform.ts";
import { selfCommand } from "#platform/commands.ts";
import { deviceText } from "#platform/linux/proc.ts";

const folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib/systemd", "/lib/systemd"] as const;

/** Programs without which nobody can start, enter or mend the machine (law 6). */
const names = {
  starting: `init systemd systemd-executor systemd-logind systemd-journald systemd-udevd systemd-networkd systemd-resolved
    systemd-shutdown systemctl loginctl journalctl dbus-daemon dbus-broker dbus-broker-launch openrc openrc-run runit s6-svscan
    ldconfig ldconfig.real modprobe kmod udevadm cron crond`,
  entering: `login agetty getty sulogin sshd sshd-session sudo su doas pkexec runuser polkitd unix_chkpwd unix_update
    pam_extrausers_chkpwd passwd newgrp gdm3 gdm gdm-session-worker sddm lightdm Xorg Xwayland gnome-shell kwin_wayland`,
  mending: `sh dash bash zsh ksh fish busybox mount umount fusermount fusermount3 fsck mount.nfs mount.cifs mkfs e2fsck
    cryptsetup lvm dpkg dpkg-deb apt apt-get rpm dnf dnf5 yum zypper pacman apk kill pkill ps ls cat cp mv rm ln mkdir chmod
    chown env ip ifconfig dhclient NetworkManager wpa_supplicant reboot poweroff shutdown halt`,
} as const;

/** Elsewhere: helpers and the loaders, by which every dynamic program starts. */
const places = [
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/ld-linux-aarch64.so.1",
  "/lib/ld-musl-x86_64.so.1",
  "/lib/ld-musl-aarch64.so.1",
  "/usr/lib/openssh/sshd-session",
  "/usr/lib/openssh/sshd-auth",
  "/usr/lib/openssh/sftp-server",
  "/usr/libexec/openssh/sshd-session",
  "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
  "/usr/lib/polkit-1/polkitd",
  "/usr/lib/polkit-1/polkit-agent-helper-1",
] as const;

/** Every place where one may lie, each once: /bin is a link to /usr/bin on a merged /usr. */
function candidates(): readonly string[] {
  const self = selfCommand();
  const all = Object.values(names).flatMap((list) => list.split(/\s+/));
  const real = new Set(folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync.native(folder)));
  return [...[...real].flatMap((folder) => all.map((name) => `${folder}/${name}`)), ...places, self.file, ...self.args];
}

/** Whether only root can change what lies here: owned by root, and written by nobody else. Root's own group may. */
function onlyRootWrites(stats: { readonly uid: bigint; readonly gid: bigint; readonly mode: bigint }): boolean {
  return stats.uid === 0n && (stats.mode & 0o002n) === 0n && ((stats.mode & 0o020n) === 0n || stats.gid === 0n);
}

/** Tells of a folder whether it and every folder above it are root's alone; each is looked at once. */
export function rootsAlone(): (folder: string) => boolean {
  const known = new Map<string, boolean>();
  const isSo = (folder: string): boolean => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const so = onlyRootWrites(statSync(folder, { bigint: true })) && (folder === "/" || isSo(dirname(folder)));
    known.set(folder, so);
    return so;
  };
  return isSo;
}

/** The file a path leads to, if it and every folder above it are root's alone. A link's own folders matter no more once it is resolved. */
function vitalAt(path: string, isRoots: (folder: string) => boolean): VitalFile | undefined {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined; // the usual case, and quicker than an error
    const real = realpathSync.native(path);
    const file = lstatSync(real, { bigint: true });
    if (!file.isFile() || !onlyRootWrites(file) || !isRoots(dirname(real))) return undefined;
    return { path: real, dev: deviceText(file.dev), ino: String(file.ino) };
  } catch {
    return undefined; // not installed here
  }
}

/** Every vital program of this machine as it is now, each file once. */
export function vital(): readonly VitalFile[] {
  const found = new Map<string, VitalFile>();
  const isRoots = rootsAlone();
  for (const path of candidates()) {
    const file = vitalAt(path, isRoots);
    if (file !== undefined) found.set(file.path, file);
  }
  return [...found.values()];
}

/** Whether the file that was seen at a path is vital now: a path's inode changes with an upgrade, and a freed inode is given to the next file. */
export function isVital(file: {
  readonly path: string;
  readonly dev?: string | undefined;
  readonly ino?: string | undefined;
}): boolean {
  // The list first: it lies in places of root's, and the path of a file that is not on it may lead anywhere, or nowhere for ever.
  if (!vital().some(({ dev, ino }) => dev === file.dev && ino === file.ino)) return false;
  const now = vitalAt(file.path, rootsAlone());
  return now?.dev === file.dev && now?.ino === file.ino;
}
