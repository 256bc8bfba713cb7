import koffi from "koffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { capabilitiesOf, type Self } from "#platform/linux/capabilities.ts";
import { openLibc } from "#platform/linux/libc.ts";
import { notifyService, watchdogPeriod } from "#platform/linux/notify-service.ts";
import { selectPlatform } from "#platform/select.ts";

const lib = koffi.load(null);
const socket: (domain: number, type: number, protocol: number) => number = lib.func("int socket(int, int, int)");
const bind: (fd: number, to: Uint8Array, length: number) => number = lib.func(
  "int bind(int, const uint8_t *, unsigned int)",
);
const recv: (fd: number, into: Uint8Array, length: number, flags: number) => number = lib.func(
  "int64_t recv(int, _Out_ uint8_t *, size_t, int)",
);
const close: (fd: number) => number = lib.func("int close(int)");

let base: string;
const open: number[] = [];
beforeEach(() => (base = mkdtempSync(join(tmpdir(), "edict-service-"))));
afterEach(() => {
  for (const fd of open.splice(0)) close(fd);
  rmSync(base, { recursive: true });
});

/** A service manager's socket at an address as NOTIFY_SOCKET gives it; what it received, without waiting. */
function listen(address: string): () => string {
  const name = Buffer.from(address);
  if (name[0] === 0x40) name[0] = 0;
  const to = Buffer.concat([Buffer.of(1, 0), name, ...(name[0] === 0 ? [] : [Buffer.of(0)])]);
  const fd = socket(1, 2, 0);
  open.push(fd);
  expect(bind(fd, to, to.length)).toBe(0);
  return () => {
    const into = Buffer.alloc(100);
    const length = recv(fd, into, into.length, 0x40); // MSG_DONTWAIT
    return length < 0 ? "" : into.toString("utf8", 0, length);
  };
}

/** What is down, and why. */
function down(self: Self): Record<string, string> {
  return Object.fromEntries(Object.entries(capabilitiesOf(self)).flatMap(([name, c]) => (c.up ? [] : [[name, c.why]])));
}

describe("the service manager", () => {
  test.each(["path", "abstract"])("hears how the agent is, at a socket with a name that is %s", (kind) => {
    const address = kind === "path" ? join(base, "notify") : `@edict-test-${process.pid}`;
    const heard = listen(address);
    notifyService("READY=1", { NOTIFY_SOCKET: address }, openLibc());
    expect(heard()).toBe("READY=1");
  });

  test("that is not there, or names no socket, is in nobody's way", () => {
    const libc = openLibc();
    for (const NOTIFY_SOCKET of [undefined, "", "relative", join(base, "nothing"), `/${"x".repeat(200)}`])
      expect(() => notifyService("READY=1", { NOTIFY_SOCKET }, libc)).not.toThrow();
  });

  test.each([
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{}, undefined],
  ])("says how often it wants to hear: %j", (env, period) => {
    expect(watchdogPeriod(env, 7)).toBe(period);
  });
});

describe("capabilities", () => {
  const whole: Self = {
    uid: 0,
    capabilities: (1n << 41n) - 1n,
    wholeMachine: true,
    kernel: "6.1.0",
    pidfd: true,
    openat2: true,
    devpts: true,
  };
  const sweeps = { gate: "this release watches by sweeps", stream: "this release watches by sweeps" };

  test.each<[string, Partial<Self>, Record<string, string>]>([
    ["root on its own machine", {}, {}],
    ["not root", { uid: 1000, capabilities: 0n }, { seeEveryone: expect.stringContaining("not root") as string }],
    ["root in a container", { wholeMachine: false }, { seeEveryone: expect.stringContaining("container") as string }],
    [
      "root whose service may not signal",
      { capabilities: ((1n << 41n) - 1n) & ~(1n << 5n) },
      { stop: "root without CAP_KILL: the service or container takes it away" },
    ],
    ["a kernel before 5.3", { pidfd: false, kernel: "4.19" }, { stop: expect.stringContaining("4.19") as string }],
    ["a kernel before 5.6", { openat2: false }, { quarantine: expect.stringContaining("openat2") as string }],
    ["no terminals", { devpts: false }, { terminal: expect.stringContaining("/dev/pts") as string }],
  ])("%s", (_, facts, expected) => {
    expect(down({ ...whole, ...facts })).toEqual({ ...expected, ...sweeps });
  });

  test("another system is refused in a sentence that names it", async () => {
    await expect(selectPlatform("win32")).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("Windows") as string,
    });
    await expect(selectPlatform("darwin")).rejects.toThrow(/macOS/);
    expect(() => openLibc("mips")).toThrow(/mips/);
  });
});
