import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Ran {
  readonly code: number | null;
  /** Standard output and error, as they came. */
  readonly text: string;
}

/** This machine's file system, under an overlay in memory: whatever is done inside, the machine never sees. */
export interface Throwaway {
  /** Where it lies, for whoever shares the holder's mount namespace. */
  readonly root: string;
  /** The process that holds the mount namespace. */
  readonly pid: number;
  run(command: string, env?: Readonly<Record<string, string>>): Ran;
  /** Copies a file in, to a path that need not exist. */
  bring(file: string, to: string): void;
  close(): Promise<void>;
}

const mounts = `
  mount -t tmpfs -o size=2g,mode=755 tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/root" || exit 1
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root" || exit 1
  if [ "$2" = live ]; then
    mount --rbind /proc "$1/root/proc" && mount --rbind /dev "$1/root/dev" || exit 1
    mount -t tmpfs tmpfs "$1/root/run" && mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp" || exit 1
  fi
  echo ready
  exec cat
`;

/** Runs a shell command in the namespaces that nsenter(1) is told, in a clean environment. */
export function runIn(where: readonly string[], command: string, env: Readonly<Record<string, string>> = {}): Ran {
  const clean = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive", ...env };
  const settings = Object.entries(clean).map(([name, value]) => `${name}=${value}`);
  const shell = ["/usr/bin/env", "-i", ...settings, "/bin/sh", "-c", `exec 2>&1\n${command}`];
  const ran = spawnSync("/usr/bin/nsenter", [...where, "--wdns=/", "--", ...shell], {
    encoding: "utf8",
    timeout: 50_000,
  });
  return { code: ran.status, text: ran.stdout };
}

/**
 * Needs root. "live" has this machine's /proc and /dev, and its own /run and /tmp; "bare" has none of these yet.
 * @throws Error where the kernel does not allow it
 */
export async function throwaway(kind: "live" | "bare"): Promise<Throwaway> {
  const folder = mkdtempSync(join(tmpdir(), "edict-root-"));
  const root = join(folder, "root");
  // It lives until its standard input closes, so it cannot outlive the tests.
  const args = ["--mount", "--propagation", "private", "sh", "-c", mounts, "sh", folder, kind];
  const holder = spawn("/usr/bin/unshare", args);
  let said = "";
  await new Promise<void>((resolve, reject) => {
    holder.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    holder.stdout.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("exit", () => reject(new Error(`no throwaway root: ${said.trim()}`)));
  });
  const pid = holder.pid ?? 0;
  const enter = ["--target", String(pid), "--mount"];
  return {
    root,
    pid,
    run: (command, env) => runIn([...enter, `--root=/proc/${pid}/root${root}`], command, env),
    bring: (file, to) => {
      // The machine's own files lie below the overlay, but its /tmp is not what is seen inside.
      const copy = ["--", "sh", "-c", 'mkdir -p "$(dirname "$2")" && cp "/proc/$3/root$1" "$2"', "sh"];
      execFileSync("/usr/bin/nsenter", [...enter, ...copy, file, join(root, to), String(process.pid)]);
    },
    async close() {
      const over = new Promise((resolve) => holder.once("exit", resolve));
      holder.stdin.end();
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
