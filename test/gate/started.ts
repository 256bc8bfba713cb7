import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { GateEnd, GateProcess } from "#platform/gate.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A gate's process as the agent starts it, but under another program, or with other flags of the runtime. */
export function startedGate(
  options: { readonly under?: readonly string[]; readonly flags?: readonly string[] } = {},
): GateProcess {
  const [program, ...args] = [...(options.under ?? []), process.execPath, ...(options.flags ?? []), main, "gate"];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", "pipe"], cwd: "/" });
  const control = child.stdio[3];
  if (!(control instanceof Duplex) || child.pid === undefined) throw new Error("no gate");
  control.on("error", () => undefined);
  const ended = new Promise<GateEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ how: signal ?? `exit code ${code}` }));
  });
  return { pid: child.pid, control, ended, kill: () => void child.kill("SIGKILL") };
}
