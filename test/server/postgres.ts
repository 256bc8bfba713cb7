import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";

/** Debian's programs, the newest version that is installed. */
function bin(): string {
  const root = "/usr/lib/postgresql";
  const newest = readdirSync(root)
    .toSorted((a, b) => Number(a) - Number(b))
    .at(-1);
  return join(root, newest ?? "", "bin");
}

/** A PostgreSQL of our own in a temporary folder, on a Unix socket only, run by an unprivileged user. */
export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "edict-pg-"));
  const nobody = { uid: 65_534, gid: 65_534 };
  const as = process.getuid?.() === 0 ? nobody : {};
  if ("uid" in as) chownSync(dir, nobody.uid, nobody.gid);
  const data = join(dir, "data");
  const quiet = { ...as, cwd: dir, env: { ...process.env, HOME: dir, LC_ALL: "C.UTF-8" } };
  const initdb = ["-D", data, "-U", "edict", "--auth=trust", "-E", "UTF8", "--no-sync"];
  execFileSync(join(bin(), "initdb"), initdb, { ...quiet, stdio: "ignore" });
  const server = spawn(join(bin(), "postgres"), ["-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off"], {
    ...quiet,
    stdio: "ignore",
  });
  const ended = once(server, "close");
  const ready = ["-h", dir, "-U", "edict", "-d", "postgres", "-q"];
  for (let tries = 0; ; tries += 1) {
    try {
      execFileSync(join(bin(), "pg_isready"), ready, { stdio: "ignore" });
      break;
    } catch (error) {
      if (tries > 300 || server.exitCode !== null) throw error;
      await after(50);
    }
  }
  return {
    url: `postgresql:///postgres?host=${encodeURIComponent(dir)}&user=edict`,
    async stop() {
      server.kill("SIGINT");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
