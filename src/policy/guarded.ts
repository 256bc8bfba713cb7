/** Programs whose ban is never what somebody meant, as Linux distributions lay them out: what lint holds a policy against. */
export interface Guarded {
  readonly path: string;
  /** Debian's package that it comes from. */
  readonly deb?: string;
  /** vital: no ban will ever stop it (law 6) · interpreter: a ban stops whatever runs on it. */
  readonly is: "vital" | "interpreter";
}

const vital: readonly (readonly [path: string, deb: string])[] = [
  ["/sbin/init", "systemd-sysv"],
  ["/usr/lib/systemd/systemd", "systemd"],
  ["/usr/bin/systemctl", "systemd"],
  ["/usr/bin/login", "login"],
  ["/usr/bin/su", "util-linux"],
  ["/usr/bin/sudo", "sudo"],
  ["/usr/bin/passwd", "passwd"],
  ["/usr/sbin/sshd", "openssh-server"],
  ["/usr/sbin/unix_chkpwd", "libpam-modules-bin"],
  ["/usr/bin/mount", "mount"],
  ["/usr/bin/umount", "mount"],
  ["/usr/sbin/fsck", "util-linux"],
  ["/usr/lib64/ld-linux-x86-64.so.2", "libc6"],
  ["/usr/bin/dpkg", "dpkg"],
  ["/usr/bin/apt", "apt"],
  ["/usr/bin/rpm", "rpm"],
  ["/usr/bin/kill", "procps"],
  ["/usr/bin/dbus-daemon", "dbus-daemon"],
];

const interpreters: readonly (readonly [path: string, deb: string])[] = [
  ["/usr/bin/sh", "dash"],
  ["/usr/bin/dash", "dash"],
  ["/usr/bin/bash", "bash"],
  ["/usr/bin/zsh", "zsh"],
  ["/usr/bin/fish", "fish"],
  ["/usr/bin/node", "nodejs"],
  ["/usr/bin/nodejs", "nodejs"],
  ["/usr/local/bin/node", "nodejs"],
  ["/usr/bin/npm", "npm"],
  ["/usr/local/bin/bun", "bun"],
  ["/usr/local/bin/deno", "deno"],
  ["/usr/bin/python", "python-is-python3"],
  ["/usr/bin/python3", "python3-minimal"],
  ["/usr/bin/perl", "perl-base"],
  ["/usr/bin/ruby", "ruby"],
  ["/usr/bin/php", "php-cli"],
  ["/usr/bin/java", "default-jre-headless"],
  ["/usr/bin/env", "coreutils"],
];

export const guarded: readonly Guarded[] = [
  ...vital.map(([path, deb]) => ({ path, deb, is: "vital" as const })),
  ...interpreters.map(([path, deb]) => ({ path, deb, is: "interpreter" as const })),
];
