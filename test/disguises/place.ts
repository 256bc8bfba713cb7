import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where everything happens: a root file system and a mount namespace of its own, with a person of its own. */
export interface Place {
  readonly base: string;
  /** The person's home, a tmpfs that an enforcer may mark. */
  readonly home: string;
  readonly uid: number;
  readonly gid: number;
  /** What the person's shells search for programs. */
  readonly path: string;
  /** Part of every marker and module name, so that nothing else on this machine can carry it. */
  readonly token: string;
}

const uid = 61_234;

export function mount(...args: readonly string[]): void {
  execFileSync("/bin/mount", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** A tmpfs at this path, which programs of setuid root may lie on. */
export function mountTmpfs(path: string, mode = "0755"): void {
  mkdirSync(path, { recursive: true });
  mount("-t", "tmpfs", "-o", `mode=${mode}`, "edict-disguises", path);
}

/** Lays out a place under the root folder, which must be nobody else's. @throws where mount(8) fails */
export function makePlace(): Place {
  const base = "/matrix";
  mkdirSync(base);
  const home = join(base, "home");
  mountTmpfs(home);
  writeAccounts(home);
  chownSync(home, uid, uid);
  const path = `${dirname(process.execPath)}:${home}/.npm-global/bin:/usr/bin:/bin`;
  return { base, home, uid, gid: uid, path, token: crypto.randomUUID().replaceAll("-", "").slice(0, 12) };
}

/** Nobody but root, a person called ann who may use sudo, and the account that fapolicyd asks for. */
function writeAccounts(home: string): void {
  const accounts = [
    "root:x:0:0:root:/nonexistent:/bin/sh",
    `ann:x:${uid}:${uid}::${home}:/bin/sh`,
    "fapolicyd:x:998:998::/run/fapolicyd:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
  ];
  writeFileSync("/etc/passwd", `${accounts.join("\n")}\n`);
  writeFileSync("/etc/group", `root:x:0:\nann:x:${uid}:\nfapolicyd:x:998:\nnogroup:x:65534:\n`);
  writeFileSync("/etc/shadow", "root:*:20000:0:99999:7:::\nann:*:20000:0:99999:7:::\n", { mode: 0o600 });
  writeFileSync("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\n");
  mkdirSync("/etc/sudoers.d", { recursive: true });
  const keep = 'Defaults env_keep += "PATH PARROT_LIFE PARROT_TITLE PARROT_FORGET"\n';
  writeFileSync("/etc/sudoers", `${keep}root ALL=(ALL) NOPASSWD: ALL\nann ALL=(ALL) NOPASSWD: ALL\n`);
  chmodSync("/etc/sudoers", 0o440);
}

/** Gives a folder and everything in it to the person. */
export function give(place: Place, ...paths: readonly string[]): void {
  execFileSync("/bin/chown", ["-hR", `${place.uid}:${place.gid}`, ...paths]);
}

/** Appends bytes to a file. */
export function append(file: string, bytes: string): void {
  appendFileSync(file, bytes);
}
