import { constants } from "node:os";
import { setTimeout as after } from "node:timers/promises";
import { PlatformError, type Held, type Signal } from "#platform/platform.ts";
import type { ProcessId } from "#policy/outcome.ts";
import { identityOf, ifReadable } from "#platform/linux/identity.ts";
import { SystemCallError, type Libc } from "#platform/linux/libc.ts";
import { dropsTerm } from "#platform/linux/proc.ts";
import { readSmall } from "#platform/linux/read.ts";

const numbers: Readonly<Record<Signal, number>> = {
  TERM: constants.signals.SIGTERM,
  STOP: constants.signals.SIGSTOP,
  CONT: constants.signals.SIGCONT,
  KILL: constants.signals.SIGKILL,
};

/** The only place that sends signals to programs of others (law 4). A pidfd never means another process (pidfd_open(2)). */
class HeldProcess implements Held {
  readonly id: ProcessId;
  readonly #libc: Libc;
  #pidfd: number | undefined;

  constructor(id: ProcessId, libc: Libc, pidfd: number) {
    this.id = id;
    this.#libc = libc;
    this.#pidfd = pidfd;
  }

  /** What the pid is now. The program is looked at through the pid, so the descriptor is asked last: alive then, it was ours all along. */
  look(): "same" | "gone" | "changed" | "refused" {
    const fd = this.#open();
    try {
      const now = identityOf(this.id.pid);
      if (this.#libc.readable(fd) || now === undefined) return "gone";
      const same = now.start === this.id.start && now.dev === this.id.dev && now.ino === this.id.ino;
      return same ? "same" : "changed";
    } catch (error) {
      if (error instanceof PlatformError && error.code === "denied") return "refused";
      throw error;
    }
  }

  signal(signal: Signal): "sent" | "gone" | "changed" | "refused" {
    // Whatever was decided, init and the agent itself are not ended by a ban (law 6).
    if (this.id.pid === 1 || this.id.pid === process.pid) return "refused";
    const now = this.look();
    if (now !== "same") return now;
    try {
      this.#libc.pidfdSendSignal(this.#open(), numbers[signal]);
      return "sent";
    } catch (error) {
      if (error instanceof SystemCallError && error.errno === "ESRCH") return "gone";
      if (error instanceof SystemCallError && error.errno === "EPERM") return "refused";
      throw error;
    }
  }

  /** Looked up by pid: were it another's by now, no signal would reach that one either. */
  hearsTerm(): boolean {
    const status = ifReadable(() => readSmall(`/proc/${this.id.pid}/status`, 16_384));
    return status === undefined || status.length === 0 || !dropsTerm(status);
  }

  /** Asks the descriptor again and again, rarer and rarer: a thread blocked in poll(2) could not be ended. */
  async ended(within: number): Promise<boolean> {
    const until = performance.now() + within;
    for (let pause = 2; ; pause = Math.min(pause * 1.5, 50)) {
      if (this.#libc.readable(this.#open())) return true;
      const left = until - performance.now();
      if (left <= 0) return false;
      await after(Math.min(pause, left));
    }
  }

  close(): void {
    if (this.#pidfd !== undefined) this.#libc.close(this.#pidfd);
    this.#pidfd = undefined;
  }

  #open(): number {
    if (this.#pidfd === undefined) throw new PlatformError("failed", `process ${this.id.pid} is no longer held`);
    return this.#pidfd;
  }
}

/**
 * Takes hold of one process. Undefined when it is gone, or no longer what the id says.
 * @throws PlatformError `unsupported` before Linux 5.3, `denied` where this user may not look at it.
 */
export function hold(id: ProcessId, libc: Libc): Held | undefined {
  let pidfd: number;
  try {
    pidfd = libc.pidfdOpen(id.pid);
  } catch (error) {
    // EINVAL: the id of a thread, not of a process.
    if (error instanceof SystemCallError && ["ESRCH", "EINVAL"].includes(error.errno)) return undefined;
    throw error;
  }
  const held = new HeldProcess(id, libc, pidfd);
  const now = held.look();
  if (now === "same") return held;
  held.close();
  if (now === "refused") throw new PlatformError("denied", `process ${id.pid} cannot be looked at by this user`);
  return undefined;
}
