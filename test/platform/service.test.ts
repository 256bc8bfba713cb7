import koffi from "koffi";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { capabilitiesOf, look, type Self } from "#platform/linux/capabilities.ts";
import { openLibc } from "#platform/linux/libc.ts";
import { notifyService, watchdogPeriod } from "#platform/linux/notify-service.ts";
import { tryPermissionEvents } from "#platform/linux/permission-events.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";

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

function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the descriptor of the listing itself
    }
  });
}

/** Open files that an asked kernel would leave behind. */
const questions = (): number => openFiles().filter((file) => /fanotify|memfd:edict/.test(file)).length;

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

const says = (text: string): string => expect.stringContaining(text) as string;

const refusal = (call: "fanotify_init" | "fanotify_mark", errno: string): Partial<Self> => ({
  permissionEvents: { works: "nothing", call, errno },
});

const mute = (call: string, errno: string): Partial<Self> => ({ execEvents: { works: false, call, errno } });

describe("capabilities", () => {
  const whole: Self = {
    uid: 0,
    capabilities: (1n << 41n) - 1n,
    wholeMachine: true,
    kernel: "6.1.0",
    pidfd: true,
    openat2: true,
    devpts: true,
    permissionEvents: { works: "exec" },
    execEvents: { works: true },
  };
  const without = (bit: bigint): Partial<Self> => ({ capabilities: whole.capabilities & ~(1n << bit) });

  test.each<[string, Partial<Self>, Record<string, string>]>([
    ["root on its own machine", {}, {}],
    [
      "not root",
      { uid: 1000, capabilities: 0n, permissionEvents: undefined },
      { seeEveryone: says("not root"), gate: says("not root") },
    ],
    [
      "root in a container",
      { wholeMachine: false, execEvents: undefined },
      { seeEveryone: says("container"), gate: says("hold up the programs outside"), stream: says("not in it") },
    ],
    [
      "root whose service may not signal",
      without(5n),
      { stop: "root without CAP_KILL: the service or container takes it away" },
    ],
    [
      "root whose service may not gate",
      without(21n),
      { gate: "root without CAP_SYS_ADMIN: the service or container takes it away" },
    ],
    [
      "root that may not read everything, where the kernel itself would deny",
      without(2n),
      { gate: says("without CAP_DAC_READ_SEARCH") },
    ],
    ["a kernel before 5.3", { pidfd: false, kernel: "4.19" }, { stop: says("4.19") }],
    ["a kernel before 5.6", { openat2: false }, { quarantine: says("openat2") }],
    ["a kernel before 5.0", { permissionEvents: { works: "open" }, kernel: "4.19" }, { gate: says("5.0 or later") }],
    ["a kernel without fanotify", refusal("fanotify_init", "ENOSYS"), { gate: says("CONFIG_FANOTIFY)") }],
    ["a filter of system calls", refusal("fanotify_init", "EPERM"), { gate: says("system call filter") }],
    ["no group left", refusal("fanotify_init", "EMFILE"), { gate: says("max_user_groups") }],
    [
      "a kernel without permission events",
      refusal("fanotify_mark", "EINVAL"),
      { gate: says("CONFIG_FANOTIFY_ACCESS_PERMISSIONS") },
    ],
    ["an answer nobody expects", refusal("fanotify_mark", "EIO"), { gate: "fanotify_mark answers EIO" }],
    ["root that may not hear of execs", mute("bind", "EPERM"), { stream: says("root without CAP_NET_ADMIN") }],
    [
      "a kernel without process events",
      mute("PROC_CN_MCAST_LISTEN", "no answer"),
      { stream: says("CONFIG_PROC_EVENTS") },
    ],
    ["a kernel without the connector", mute("socket", "EPROTONOSUPPORT"), { stream: says("CONFIG_CONNECTOR") }],
    ["a network namespace of its own", mute("send", "ECONNREFUSED"), { stream: says("network namespace") }],
    ["no descriptor for the stream", mute("socket", "EMFILE"), { stream: "socket answers EMFILE" }],
    ["no terminals", { devpts: false }, { terminal: says("/dev/pts") }],
  ])("%s", (_, facts, expected) => {
    expect(down({ ...whole, ...facts })).toEqual(expected);
  });

  test.skipIf(lacking("root"))(
    "the kernel says itself whether a program can be held, and keeps nothing of the question",
    () => {
      const before = questions();
      const tried = tryPermissionEvents();
      expect(questions()).toBe(before);
      expect(look(openLibc()).permissionEvents).toEqual(tried);
      // What this test machine's kernel was built with, said by another witness.
      const config = ["/proc/config.gz", `/boot/config-${release()}`].find((file) => existsSync(file));
      if (config === undefined) return;
      const text = config.endsWith(".gz") ? gunzipSync(readFileSync(config)) : readFileSync(config);
      expect(tried.works).toBe(text.includes("CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y") ? "exec" : "nothing");
    },
  );

  test("another system is refused in a sentence that names it", async () => {
    await expect(selectPlatform("win32")).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("Windows") as string,
    });
    await expect(selectPlatform("darwin")).rejects.toThrow(/macOS/);
    expect(() => openLibc("mips")).toThrow(/mips/);
  });
});
