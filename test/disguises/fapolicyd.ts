import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { join } from "node:path";
import type { Enforcer } from "./enforcer.ts";
import { hashOf } from "./npm-package.ts";
import type { Tool } from "./tool.ts";

const folder = "/etc/fapolicyd";
const program = "/usr/sbin/fapolicyd";
/** Seconds until timeout(1) kills it, whatever it does: a daemon that hangs would hang this matrix, too. */
const atMost = 300;

/**
 * The best deny list that fapolicyd.rules(5) lets one write for these tools: their bytes and their places for every access, so
 * that interpreters cannot read them either, and no program started by the loader. Its other way, to allow nothing but
 * what is listed, would stop every tool that a person installs, and bans nothing in particular.
 */
export function rulesFor(tools: readonly Tool[]): string {
  const files = [...new Set(tools.flatMap((tool) => tool.files))];
  return [
    "deny perm=any pattern=ld_so : all",
    ...files.map((file) => `deny perm=any all : sha256hash=${hashOf(file).sha256}`),
    ...files.map((file) => `deny perm=any all : path=${file}`),
    ...tools.map(({ tree }) => `deny perm=execute all : dir=${tree}/`),
    "deny perm=any all : ftype=application/x-bad-elf",
    "allow perm=any all : all",
    "",
  ].join("\n");
}

/**
 * Every tmpfs here is this matrix's own, so marking them whole touches nobody else, and bind mounts are seen. Overlays are not
 * watched, only what they lie on: where both are, it waits for itself for ever when it reads a file through the overlay.
 */
const settings = `permissive = 0
nice_val = 14
q_size = 2048
uid = root
gid = root
do_stat_report = 0
detailed_report = 0
db_max_size = 50
subj_cache_size = 1549
obj_cache_size = 8191
watch_fs = tmpfs
trust = file
integrity = sha256
syslog_format = rule,dec,perm,pid,exe,:,path
rpm_sha256_only = 0
allow_filesystem_mark = 1
`;

/** Its version, or why it cannot be had. Installed in this matrix's own root file system, where no service is started. */
export function fapolicydVersion(): { readonly version: string } | { readonly not: string } {
  try {
    const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", "fapolicyd"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { version: version.toString() };
  } catch {
    return { not: "Debian's fapolicyd could not be installed" };
  }
}

export function fapolicyd(tools: readonly Tool[]): Enforcer {
  let daemon: ChildProcess | undefined;
  let said = "";
  return {
    name: "fapolicyd",
    life: 1000,
    comesWithin: 2000,
    start: async () => {
      rmSync(folder, { recursive: true, force: true });
      for (const made of [join(folder, "trust.d"), "/var/lib/fapolicyd", "/run/fapolicyd"]) {
        mkdirSync(made, { recursive: true });
        chownSync(made, 0, 0);
      }
      writeFileSync(join(folder, "fapolicyd.conf"), settings);
      writeFileSync(join(folder, "fapolicyd.trust"), "");
      writeFileSync(join(folder, "compiled.rules"), rulesFor(tools));
      said = "";
      const child = spawn("/usr/bin/timeout", ["--signal=KILL", String(atMost), program, "--debug-deny"], {
        stdio: ["ignore", "ignore", "pipe"],
        detached: true,
      });
      daemon = child;
      child.stderr.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-20_000)));
      const ended = Promise.withResolvers<never>();
      child.once("exit", () => ended.reject(new Error(`fapolicyd ended: ${said}`)));
      ended.promise.catch(() => undefined);
      await Promise.race([ended.promise, listening(() => said)]);
    },
    stop: async () => {
      const child = daemon;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`fapolicyd had ended: ${said}`);
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await ended;
      rmSync("/run/fapolicyd.pid", { force: true });
      daemon = undefined;
    },
    forget: () => Promise.resolve(),
  };
}

/** Its last word before it answers; it has no other way to say so. @throws after 30 s */
async function listening(said: () => string): Promise<void> {
  for (const end = performance.now() + 30_000; !said().includes("Starting to listen for events"); await after(20))
    if (performance.now() > end) throw new Error(`fapolicyd does not listen: ${said()}`);
}
