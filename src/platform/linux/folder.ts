import { closeSync, constants, fstatSync, lstatSync, readdirSync, readlinkSync, type BigIntStats } from "node:fs";
import { PlatformError } from "#platform/platform.ts";
import type { Libc } from "#platform/linux/libc.ts";

// openat2(2): the kernel itself refuses links, mounts and "..", so nothing can be swapped between a check and its use.
const RESOLVE_NO_XDEV = 0x01;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const noLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const { O_DIRECTORY, O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_CREAT, O_EXCL, O_WRONLY } = constants;
const RENAME_NOREPLACE = 1;

/** A folder held open: what is done in it is done there, wherever its path leads meanwhile. Names are bytes without "/". */
export class Folder {
  readonly #libc: Libc;
  readonly fd: number;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
  }

  /** An absolute path without any link in it. @throws PlatformError `link`, `gone`, `denied` */
  static open(libc: Libc, path: Uint8Array): Folder {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return new Folder(libc, libc.openat2(AT_FDCWD, path, { flags, resolve: noLinks }));
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true });
  }

  /** A folder in this one, on the same mount. @throws PlatformError `device` where something is mounted there */
  folder(name: Uint8Array): Folder {
    return new Folder(this.#libc, this.#openAt(name, O_RDONLY | O_DIRECTORY));
  }

  /** A descriptor of a file in this folder; the caller closes it. */
  file(name: Uint8Array): number {
    return this.#openAt(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }

  /** A descriptor of a new file, for writing. @throws PlatformError `exists` */
  create(name: Uint8Array): number {
    return this.#openAt(name, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  }

  /** A new folder that only we can enter. @throws PlatformError `exists`, `refused` when it was swapped at once */
  mkdir(name: Uint8Array): Folder {
    this.#libc.mkdirat(this.fd, name, 0o700);
    const made = this.folder(name);
    const { uid, mode } = made.stat();
    if (Number(uid) === process.geteuid?.() && (mode & 0o077n) === 0n && made.names().length === 0) return made;
    made.close();
    throw new PlatformError("refused", "the folder is being changed by somebody else");
  }

  names(): readonly Buffer[] {
    return readdirSync(`/proc/self/fd/${this.fd}`, { encoding: "buffer" });
  }

  lstat(name: Uint8Array): BigIntStats {
    return lstatSync(this.at(name), { bigint: true });
  }

  readlink(name: Uint8Array): Buffer {
    return readlinkSync(this.at(name), { encoding: "buffer" });
  }

  /** A path to an entry, by the descriptor: for calls that do not follow a last link. */
  at(name: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.fd}/`), name]);
  }

  /** Never over something that exists. @throws PlatformError `exists`, `device`, `gone` */
  move(name: Uint8Array, to: Folder, as: Uint8Array): void {
    this.#libc.renameat2(this.fd, name, to.fd, as, RENAME_NOREPLACE);
  }

  /** As rename(2): over what is there, at once. Only within this folder. */
  replace(name: Uint8Array, as: Uint8Array): void {
    this.#libc.renameat2(this.fd, name, this.fd, as, 0);
  }

  has(name: Uint8Array): boolean {
    return lstatSync(this.at(name), { throwIfNoEntry: false }) !== undefined;
  }

  unlink(name: Uint8Array): void {
    this.#libc.unlinkat(this.fd, name, false);
  }

  rmdir(name: Uint8Array): void {
    this.#libc.unlinkat(this.fd, name, true);
  }

  close(): void {
    closeSync(this.fd);
  }

  #openAt(name: Uint8Array, flags: number, mode = 0): number {
    const resolve = noLinks | RESOLVE_BENEATH | RESOLVE_NO_XDEV;
    return this.#libc.openat2(this.fd, name, { flags: flags | O_NOFOLLOW | O_CLOEXEC, mode, resolve });
  }
}
