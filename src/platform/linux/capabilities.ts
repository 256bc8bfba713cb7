import { existsSync, statSync } from "node:fs";
import { release } from "node:os";
import type { Capabilities, Capability } from "#platform/capabilities.ts";
import { PlatformError } from "#platform/platform.ts";
import { tryExecEvents, type ExecEvents } from "#platform/linux/exec-stream.ts";
import { tryPermissionEvents, type PermissionEvents } from "#platform/linux/permission-events.ts";
import { parseStatus } from "#platform/linux/proc.ts";
import { readSmall } from "#platform/linux/read.ts";
import { SystemCallError, type Libc } from "#platform/linux/libc.ts";

// capabilities(7), uapi/linux/capability.h
const bits = {
  CAP_CHOWN: 0n,
  CAP_DAC_OVERRIDE: 1n,
  CAP_DAC_READ_SEARCH: 2n,
  CAP_FOWNER: 3n,
  CAP_KILL: 5n,
  CAP_SETUID: 7n,
  CAP_SYS_PTRACE: 19n,
  CAP_SYS_ADMIN: 21n,
};
type Bit = keyof typeof bits;
/** PROC_PID_INIT_INO and PROC_USER_INIT_INO of the kernel's proc_ns.h: the machine's own namespaces, not a container's. */
const initial = { pid: 4_026_531_836, user: 4_026_531_837 } as const;

export interface Self {
  readonly uid: number;
  readonly capabilities: bigint;
  /** Whether this is the machine itself, with its processes and its root, not a container. */
  readonly wholeMachine: boolean;
  readonly kernel: string;
  readonly pidfd: boolean;
  readonly openat2: boolean;
  readonly devpts: boolean;
  /** Undefined where it was not tried: only root may. */
  readonly permissionEvents: PermissionEvents | undefined;
  /** Undefined where it was not tried: a container's would tell of the processes of the machine around it. */
  readonly execEvents: ExecEvents | undefined;
}

const up: Capability = { up: true };
const down = (why: string): Capability => ({ up: false, why });

function without(self: Self, ...needed: readonly Bit[]): Capability | undefined {
  const missing = needed.filter((bit) => (self.capabilities & (1n << bits[bit])) === 0n);
  if (self.uid !== 0 || missing.length === 0) return undefined;
  return down(`root without ${missing.join(" and ")}: the service or container takes it away`);
}

function tooOld({ kernel }: Self, call: string, since: string): Capability {
  return down(`Linux ${kernel} does not let us use ${call}, which needs ${since} or later`);
}

/** Whether a program can be held before its first instruction, and told no. */
function gateOf(self: Self): Capability {
  if (self.uid !== 0) return down("not root: only root may hold a program before it starts");
  // A container shares filesystems with the machine: a mark on one of them would hold programs that nobody in here can see.
  if (!self.wholeMachine) return down("in a container: a gate in here would hold up the programs outside");
  // What we may not open, the kernel denies by itself, so reading everything is a part of it.
  const missing = without(self, "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH");
  if (missing !== undefined) return missing;
  const { permissionEvents: events } = self;
  if (events === undefined) return down("fanotify was not tried");
  switch (events.works) {
    case "exec":
      return up;
    case "open":
      return tooOld(self, "FAN_OPEN_EXEC_PERM", "5.0");
    case "nothing":
      return down(whyNot(events.call, events.errno));
    default:
      return events satisfies never;
  }
}

/** fanotify_init(2) and fanotify_mark(2), "Errors". */
function whyNot(call: "fanotify_init" | "fanotify_mark", errno: string): string {
  if (errno === "ENOSYS") return "this kernel is built without fanotify (CONFIG_FANOTIFY)";
  if (errno === "EPERM") return "a system call filter or a security module forbids fanotify";
  if (errno === "EMFILE") return "no fanotify group is left, or no descriptor (/proc/sys/fs/fanotify/max_user_groups)";
  if (call === "fanotify_mark" && errno === "EINVAL")
    return "this kernel is built without permission events (CONFIG_FANOTIFY_ACCESS_PERMISSIONS)";
  return `${call} answers ${errno}`;
}

/** Whether the kernel tells of every exec. Since 6.6 it tells everybody, before it told root. */
function streamOf({ execEvents, uid }: Self): Capability {
  if (execEvents === undefined) return down("in a container: the kernel would name processes that are not in it");
  if (execEvents.works) return up;
  const { call, errno } = execEvents;
  if (errno === "EPERM" || errno === "EACCES")
    return down(uid === 0 ? "root without CAP_NET_ADMIN: the service or container takes it away" : "not root");
  if (errno === "EPROTONOSUPPORT") return down("this kernel is built without CONFIG_CONNECTOR");
  if (errno === "ECONNREFUSED") return down("the kernel tells only whoever is in the machine's own network namespace");
  if (errno === "no answer") return down("this kernel is built without CONFIG_PROC_EVENTS");
  return down(`${call} answers ${errno}`);
}

/** What these facts allow. Pure. */
export function capabilitiesOf(self: Self): Capabilities {
  const everyone = (): Capability => {
    if (self.uid !== 0) return down("not root: only this user's own programs are seen and stopped");
    if (!self.wholeMachine) return down("in a container: only the programs in it are seen");
    return without(self, "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE") ?? up;
  };
  const old = (call: string, since: string): Capability => tooOld(self, call, since);
  return {
    seeEveryone: everyone(),
    stop: self.pidfd ? (without(self, "CAP_KILL") ?? up) : old("pidfd_open", "5.3"),
    quarantine: self.openat2
      ? (without(self, "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER") ?? up)
      : old("openat2", "5.6"),
    terminal: self.devpts ? up : down("there are no pseudo-terminals under /dev/pts"),
    session: without(self, "CAP_SETUID") ?? up,
    gate: gateOf(self),
    stream: streamOf(self),
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
  const wholeMachine =
    statSync("/proc/self/ns/pid").ino === initial.pid && statSync("/proc/self/ns/user").ino === initial.user;
  return {
    uid: uid.effective,
    capabilities,
    wholeMachine,
    kernel: release(),
    pidfd: works(() => libc.pidfdOpen(process.pid), libc),
    openat2: works(() => libc.openat2(-100, Buffer.from("/"), { flags: O_PATH, resolve: 0 }), libc),
    devpts: existsSync("/dev/pts/ptmx"),
    permissionEvents: uid.effective === 0 ? tryPermissionEvents() : undefined,
    execEvents: wholeMachine ? tryExecEvents() : undefined,
  };
}
