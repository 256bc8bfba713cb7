import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { runIn, throwaway, type Throwaway } from "./throwaway.ts";

/** A throwaway copy of this machine with systemd as its first process and a network of its own. */
export interface Booted extends Throwaway {
  /** Runs the command until it succeeds. @throws Error with what it said last */
  until(command: string): Promise<string>;
}

/** Only what a service may rely on: no job of this machine's own runs in the copy. */
const prepare = `
  rm -rf /etc/systemd/system/*.wants /usr/sbin/policy-rc.d
  echo 5c1e0f0d7d3f4d0c9a64f1d8e3b2a190 > /etc/machine-id
  cat > /etc/systemd/system/bare.target <<'UNIT'
[Unit]
Description=Nothing but the service manager and its bus
Requires=sysinit.target dbus.service
After=sysinit.target dbus.service
UNIT
`;
/** Attempts, a tenth of a second apart. */
const patience = 300;

/** Needs root and systemd-nspawn(1), which keeps the copy's hands off the kernel's settings. `more`: options for it. */
export async function boot(more: readonly string[] = []): Promise<Booted> {
  const base = await throwaway("bare");
  base.run(prepare);
  const nspawn = [
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--console=pipe",
    ...more,
    "--directory",
    base.root,
  ];
  const start = ["--target", String(base.pid), "--mount", "--", "/usr/bin/systemd-nspawn", ...nspawn];
  const machine = spawn("/usr/bin/nsenter", [...start, "--boot", "--", "--unit=bare.target"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  machine.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const until = async (command: string): Promise<string> => {
    let last = said;
    for (let i = 0; i < patience && machine.exitCode === null; i += 1) {
      const init = firstChild(machine);
      const ran = init === undefined ? { code: 1, text: said } : inside(init, command);
      if (ran.code === 0) return ran.text;
      last = ran.text;
      await after(100);
    }
    throw new Error(`${command}: ${last}\n${said}`);
  };
  await until("systemctl is-active bare.target").catch(async (error: unknown) => {
    machine.kill("SIGKILL");
    await base.close();
    throw error;
  });
  const init = firstChild(machine) ?? 0;
  return {
    ...base,
    until,
    run: (command, env) => inside(init, command, env),
    async close() {
      // systemd-nspawn ends with its first process, and everything in there with that.
      const over = new Promise((resolve) => machine.once("exit", resolve));
      inside(init, "systemctl --force --force poweroff");
      await over;
      await base.close();
    },
  };
}

function inside(init: number, command: string, env?: Readonly<Record<string, string>>): ReturnType<typeof runIn> {
  return runIn(["--target", String(init), "--all"], command, env);
}

/** The pid, as we see it, of the first process of the copy. */
function firstChild(machine: ChildProcess): number | undefined {
  const pid = String(machine.pid);
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return child === undefined || child === "" ? undefined : Number(child);
}
