import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { textOf, until } from "../shipped.ts";

/** Whoever is asked before a program runs. */
export interface Watcher {
  readonly pid: number;
  /** A command that starts another in the watcher's mount namespace; none where it has none of its own. */
  readonly inside: readonly string[];
  /** Whether it has an opinion. */
  readonly denies: boolean;
  /** Programs let go before they were judged, and times that the kernel's queue was full; undefined where it does not tell. */
  readonly troubles?: () => { readonly late: number; readonly overflows: number };
  stop(): Promise<void>;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  const late = setTimeout(() => child.kill("SIGKILL"), 2_000);
  await ended;
  clearTimeout(late);
}

/** The floor: a program that says "ready", answers "allow" to everything, and ends with its standard input. */
export async function startFloor(command: readonly string[], mounts: readonly string[]): Promise<Watcher> {
  const [program = "", ...args] = [...command, ...mounts];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} was not started`);
  await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    child.stdout?.once("data", resolve);
  });
  return { pid, inside: [], denies: false, stop: () => stopped(child) };
}

export function hasFapolicyd(): boolean {
  return existsSync("/usr/sbin/fapolicyd");
}

/** It ends with its standard input, so with the bench, however that ends. */
const inNamespace = `
mount --bind "$DATA/etc" /etc/fapolicyd && mount --bind "$DATA/var" /var/lib/fapolicyd || exit 1
mount --bind "$DATA/run" /run || exit 1
/usr/sbin/fapolicyd --debug-deny <&- &
read _
kill -9 $!; wait $!`;

/**
 * Debian's fapolicyd with its own settings but `trust = file`, one rule that denies and one that allows all else. It marks
 * mounts, not file systems: those of a mount namespace of its own, which nobody else is in. In the foreground, telling
 * only what it denies; as root.
 * @param banned the file that it denies
 */
export async function startFapolicyd(folder: string, banned: string): Promise<Watcher> {
  const data = mkdtempSync(join(folder, "fapolicyd-"));
  for (const part of ["etc", "etc/rules.d", "etc/trust.d", "var", "run", "run/fapolicyd"]) mkdirSync(join(data, part));
  const settings = readFileSync("/etc/fapolicyd/fapolicyd.conf", "utf8")
    .replace(/^trust = .*$/m, "trust = file")
    .replace(/^([ug]id) = .*$/gm, "$1 = root") // where CAP_SYS_RESOURCE is not to be had, it cannot become another
    .replace(/^watch_fs = .*$/m, "watch_fs = ext4");
  writeFileSync(join(data, "etc/fapolicyd.conf"), settings);
  writeFileSync(join(data, "etc/fapolicyd.trust"), "");
  const rules = `deny_audit perm=execute all : path=${banned}\nallow perm=any all : all\n`;
  writeFileSync(join(data, "etc/compiled.rules"), rules);
  const log = join(data, "log");
  const to = openSync(log, "w");
  const child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", inNamespace], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DATA: data },
    stdio: ["pipe", to, to],
  });
  closeSync(to);
  const { pid: shell } = child;
  if (shell === undefined) throw new Error("fapolicyd was not started");
  const main = (): number => Number(textOf(`/proc/${shell}/task/${shell}/children`).trim().split(" ")[0]);
  await until("fapolicyd watches", () => {
    if (child.exitCode !== null) throw new Error(`fapolicyd has ended: ${textOf(log)}`);
    return textOf(log).includes("Starting to listen for events") && main() > 0;
  });
  const pid = main();
  return {
    pid,
    inside: ["nsenter", `--mount=/proc/${pid}/ns/mnt`, "--"],
    denies: true,
    stop: () => stopped(child),
  };
}
