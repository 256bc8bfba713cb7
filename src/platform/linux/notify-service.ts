import { PlatformError, type ServiceState } from "#platform/platform.ts";
import type { Libc } from "#platform/linux/libc.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Tells systemd how we are, by sd_notify(3)'s protocol; nothing where it did not ask. Never in the way of the agent. */
export function notifyService(state: ServiceState, env: Environment, libc: Libc): void {
  const address = env["NOTIFY_SOCKET"];
  if (address === undefined || !/^[/@]./.test(address)) return;
  const bytes = Buffer.from(address);
  if (bytes[0] === 0x40) bytes[0] = 0; // "@" stands for the NUL of an abstract socket
  try {
    libc.sendDatagram(bytes, Buffer.from(state));
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error; // nobody listens: systemd's own timeout tells
  }
}

/** The period, in milliseconds, in which systemd wants to hear WATCHDOG=1 (sd_watchdog_enabled(3)). */
export function watchdogPeriod(env: Environment, pid: number): number | undefined {
  const micro = Number(env["WATCHDOG_USEC"] ?? "");
  if (!Number.isSafeInteger(micro) || micro <= 0) return undefined;
  const whom = env["WATCHDOG_PID"];
  return whom === undefined || Number(whom) === pid ? micro / 1000 : undefined;
}
