import { existsSync, statSync } from "node:fs";
import { release } from "node:os";
import type { Capabilities, Capability } from "#platform/capabilities.ts";
import { PlatformError } from "#platform/platform.ts";
import { parseStatus } from "#platform/linux/proc.ts";
import { readSmall } from "#platform/linux/read.ts";
import { SystemCallError, type Libc } from "#platform/linux/libc.ts";

// capabilities(7), uapi/linux/capability.h
const bits = { CAP_CHOWN: 0n, CAP_DAC_OVERRIDE: 1n, CAP_FOWNER: 3n, CAP_KILL: 5n, CAP_SETUID: 7n, CAP_SYS_PTRACE: 19n };
type Bit = keyof typeof bits;
/** PROC_PID_INIT_INO of the kernel's proc_ns.h: the machine's own pid namespace, not a container's. */
const initialPidNamespace = 4_026_531_836;

export interface Self {
  readonly uid: number;
  readonly capabilities: bigint;
  /** Whether we see the machine's processes, not a container's. */
  readonly wholeMachine: boolean;
  readonly kernel: string;
  readonly pidfd: boolean;
  readonly openat2: boolean;
  readonly devpts: boolean;
}

const up: Capability = { up: true };
const down = (why: string): Capability => ({ up: false, why });

function without(self: Self, ...needed: readonly Bit[]): Capability | undefined {
  const missing = needed.filter((bit) => (self.capabilities & (1n << bits[bit])) === 0n);
  if (self.uid !== 0 || missing.length === 0) return undefined;
  return down(`root without ${missing.join(" and ")}: the service or container takes it away`);
}

/** What these facts allow. Pure. */
export function capabilitiesOf(self: Self): Capabilities {
  const bySweeps = down("this release watches by sweeps");
  const everyone = (): Capability => {
    if (self.uid !== 0) return down("not root: only this user's own programs are seen and stopped");
    if (!self.wholeMachine) return down("in a container: only the programs in it are seen");
    return without(self, "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE") ?? up;
  };
  const old = (call: string, since: string): Capability =>
    down(`Linux ${self.kernel} does not let us use ${call}, which needs ${since} or later`);
  return {
    seeEveryone: everyone(),
    stop: self.pidfd ? (without(self, "CAP_KILL") ?? up) : old("pidfd_open", "5.3"),
    quarantine: self.openat2
      ? (without(self, "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER") ?? up)
      : old("openat2", "5.6"),
    terminal: self.devpts ? up : down("there are no pseudo-terminals under /dev/pts"),
    session: without(self, "CAP_SETUID") ?? up,
    gate: bySweeps,
    stream: bySweeps,
  };
}

function works(call: () => number, libc: Libc): boolean {
  try {
    libc.close(call());
    return true;
  } catch (error) {
    if (error instanceof SystemCallError) return false; // ENOSYS, or EPERM from a seccomp filter
    throw error;
  }
}

/** Asks the kernel who and where we are. @throws PlatformError where /proc is not mounted. */
export function look(libc: Libc): Self {
  const status = readSmall("/proc/self/status", 16_384);
  if (status === undefined)
    throw new PlatformError("unsupported", "/proc is not mounted, and Edict reads processes there");
  const { uid, capabilities } = parseStatus(status);
  const O_PATH = 0o10000000;
  return {
    uid: uid.effective,
    capabilities,
    wholeMachine: statSync("/proc/self/ns/pid").ino === initialPidNamespace,
    kernel: release(),
    pidfd: works(() => libc.pidfdOpen(process.pid), libc),
    openat2: works(() => libc.openat2(-100, Buffer.from("/"), { flags: O_PATH, resolve: 0 }), libc),
    devpts: existsSync("/dev/pts/ptmx"),
  };
}
