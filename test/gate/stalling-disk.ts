import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { deviceText } from "#observe/read-file.ts";
import { lacking } from "../needs.ts";
import { marker, until } from "./place.ts";

/** Why no disk can be made to stall here; printed with the skip. */
export function noStallingDisk(): string | undefined {
  const why =
    lacking("root", "e2fsprogs") ??
    (canStall() ? undefined : "no FUSE and loop devices here, so no disk can be made to stall");
  if (why !== undefined) console.warn(`skipped: ${why}`);
  return why;
}

function canStall(): boolean {
  const known = readFileSync("/proc/filesystems", "utf8");
  return (
    ["\tfuse\n", "\text4\n"].every((one) => known.includes(one)) && ["/dev/fuse", "/dev/loop-control"].every(existsSync)
  );
}

/** A disk that works until it is told to stand still. */
export interface StallingDisk {
  readonly mount: string;
  /** "major:minor" */
  readonly device: string;
  /** Inode numbers, by name. */
  readonly inodes: ReadonlyMap<string, string>;
  /** From now on whoever reads what nobody has read yet waits. */
  stall(): Promise<void>;
  /** Everything that waits is read. */
  go(): Promise<void>;
}

/**
 * ext4 on a loop device whose image lies on a FUSE filesystem of the test's own, mounted at `mount`, which is made. It holds these programs,
 * made of /bin/true, with the marker of what is banned where the name says so, and in many pieces where it says that. Gone when the test is over.
 */
export async function stallingDisk(mount: string, programs: readonly string[]): Promise<StallingDisk> {
  const [image, served] = [`${mount}.image`, `${mount}.served`];
  mkdirSync(mount);
  for (const file of [image, served]) writeFileSync(file, "");
  truncateSync(image, 8 * 1024 * 1024);
  execFileSync("mkfs.ext4", ["-q", image]);
  execFileSync("mount", ["-o", "loop", image, mount]);
  const inodes = new Map<string, string>();
  for (const name of programs) {
    const path = join(mount, name);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync("/bin/true", path);
    if (name.startsWith("banned")) appendFileSync(path, marker);
    if (name.startsWith("pieces")) inPieces(path);
    chmodSync(path, 0o755);
    inodes.set(name, String(statSync(path).ino));
  }
  await until(() => spawnSync("umount", [mount], { stdio: "ignore" }).status === 0); // a gate has it in hand for a moment

  const fuse = openSync("/dev/fuse", "r+");
  const program = fileURLToPath(new URL("fuse-file.ts", import.meta.url));
  const server = spawn(process.execPath, [program, image], { stdio: ["pipe", "pipe", "inherit", fuse] });
  const { stdin, stdout } = server;
  if (stdin === null || stdout === null) throw new Error("no pipes");
  const said = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const tell = async (word: string): Promise<void> => {
    stdin.write(`${word}\n`);
    await said.next();
  };
  const options = "fd=3,rootmode=100000,user_id=0,group_id=0";
  execFileSync("mount", ["-i", "-t", "fuse", "-o", options, "edict-test", served], {
    stdio: ["ignore", "ignore", "inherit", fuse],
  });
  closeSync(fuse);
  onTestFinished(async () => {
    const ended = once(server, "exit");
    server.kill("SIGKILL"); // whatever still waits for it fails now
    await ended;
    execFileSync("umount", ["--lazy", mount]);
    execFileSync("umount", ["--lazy", served]);
  });
  await new Promise<void>((resolve, reject) => {
    const mounting = spawn("mount", ["-o", "loop,ro", served, mount], { stdio: "inherit" });
    mounting.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error("the stalling disk cannot be mounted")),
    );
  });
  // So that only their content is still to be read, and what lies in folders.
  for (const name of programs) if (!name.includes("/")) statSync(join(mount, name));
  const device = deviceText(statSync(mount, { bigint: true }).dev);
  return { mount, device, inodes, stall: () => tell("stall"), go: () => tell("go") };
}

/** More pieces than an inode has room for (ext4: four): where they lie stands in a block of its own, which the kernel reads first. */
function inPieces(path: string): void {
  const fd = openSync(path, "r+");
  for (let piece = 1; piece <= 16; piece += 1) writeSync(fd, "x", piece * 65_536);
  closeSync(fd);
}
