import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Ran {
  readonly code: number | null;
  /** Standard output and error, as they came. */
  readonly text: string;
}

/** This machine's file system, under an overlay in memory: whatever is done inside, the machine never sees. */
export interface Throwaway {
  run(command: string, env?: Readonly<Record<string, string>>): Ran;
  /** Copies a file in, to the same path. */
  bring(file: string): void;
  close(): void;
}

const set_up = `
  mount -t tmpfs -o size=2g,mode=755 tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/root" || exit 1
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root" || exit 1
  mount --rbind /proc "$1/root/proc" && mount --rbind /dev "$1/root/dev" || exit 1
  mount -t tmpfs -o mode=755 tmpfs "$1/root/run" && mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp" || exit 1
  echo ready
  exec cat
`;
const path = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Needs root. @throws Error where the kernel does not allow it */
export async function throwaway(): Promise<Throwaway> {
  const folder = mkdtempSync(join(tmpdir(), "edict-root-"));
  const args = ["--mount", "--propagation", "private", "sh", "-c", set_up, "sh", folder];
  // It lives until its standard input closes, so it cannot outlive the tests.
  const holder = spawn("/usr/bin/unshare", args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    holder.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    holder.stdout.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("exit", () => reject(new Error(`no throwaway root: ${said.trim()}`)));
  });
  const enter = ["--target", String(holder.pid), "--mount"];
  return {
    run: (command, env = {}) => {
      const clean = { PATH: path, LANG: "C.UTF-8", HOME: "/root", DEBIAN_FRONTEND: "noninteractive", ...env };
      const settings = Object.entries(clean).map(([name, value]) => `${name}=${value}`);
      const shell = ["/usr/bin/env", "-i", ...settings, "/bin/sh", "-c", `exec 2>&1; ${command}`];
      const { status, stdout } = spawnSync(
        "/usr/bin/nsenter",
        [...enter, "--", "chroot", join(folder, "root"), ...shell],
        {
          encoding: "utf8",
          timeout: 50_000,
        },
      );
      return { code: status, text: stdout };
    },
    bring: (file) => {
      const target = join(folder, "root", file);
      // The machine's own file is below the overlay, but its /tmp is not what is seen inside.
      const copy = ["--", "sh", "-c", 'mkdir -p "$(dirname "$2")" && cp "/proc/$3/root$1" "$2"', "sh"];
      execFileSync("/usr/bin/nsenter", [...enter, ...copy, file, target, String(process.pid)]);
    },
    close: () => {
      holder.stdin.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
