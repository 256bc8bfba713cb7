import * as fc from "fast-check";
import koffi from "koffi";
import { EventEmitter, once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { terminalText } from "#platform/linux/terminal.ts";
import type { Platform, TerminalRun } from "#platform/platform.ts";
import type { ProcessSeen } from "#policy/evidence.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";

const root = lacking("root");
let platform: Platform;
const sleeper = ["/bin/sh", "-c", "echo ready; exec /bin/sleep 1000"];
const runs: TerminalRun[] = [];

beforeEach(async () => (platform = await selectPlatform()));
afterEach(async () => {
  for (const run of runs) run.stop();
  await Promise.all(runs.splice(0).map((run) => run.ended));
});

/** A program on a terminal of its own that has said "ready", and what that terminal shows from then on. */
async function onTerminal(
  program = "/usr/bin/env",
  args = sleeper,
): Promise<{ process: ProcessSeen; shown: (text: string) => Promise<void>; screen: () => string }> {
  let screen = "";
  const arrived = new EventEmitter();
  const run = platform.runInTerminal(program, args, {
    onOutput: (text) => {
      screen += text;
      arrived.emit("text");
    },
  });
  runs.push(run);
  const shown = async (text: string): Promise<void> => {
    while (!screen.includes(text)) await once(arrived, "text");
  };
  await shown("ready");
  await expect.poll(async () => (await platform.inspect(run.pid))?.process.argv?.[0]).toContain("sleep");
  const detail = await platform.inspect(run.pid);
  if (detail === undefined) throw new Error("it is gone");
  return { process: detail.process, shown, screen: () => screen.replaceAll("\r\r\n", "\r\n") }; // a cooked terminal adds its own
}

test("a person reads the words on the terminal of the process, line by line from the left", async () => {
  const { process, shown, screen } = await onTerminal();
  expect(process.tty).toMatch(/^\/dev\/pts\/\d+$/);
  expect(platform.writeTerminal(process, "claude is not approved here.\nUse: qodercli\n")).toBe("written");
  await shown("qodercli");
  expect(screen()).toContain("claude is not approved here.\r\nUse: qodercli");
});

test("what a file name holds cannot steer a terminal", async () => {
  const { process, shown, screen } = await onTerminal();
  const name = "a\u001b]0;title\u0007\u001b[2J\u009b31m\u0000\r\u202egpj.exe 文件 café";
  expect(platform.writeTerminal(process, `${name}\nend`)).toBe("written");
  await shown("end");
  expect(screen()).toContain("a]0;title[2J31mgpj.exe 文件 café\r\nend");
});

test("a stopped terminal is not waited for", async () => {
  const { process } = await onTerminal();
  const ioctl: (fd: number, request: number, value: number) => number = koffi
    .load(null)
    .func("int ioctl(int fd, unsigned long request, long value)");
  const fd = openSync(process.tty ?? "", constants.O_RDWR | constants.O_NOCTTY);
  const [TCXONC, TCOOFF, TCOON] = [0x540a, 0, 1]; // ioctl_tty(2)
  try {
    expect(ioctl(fd, TCXONC, TCOOFF)).toBe(0);
    expect(platform.writeTerminal(process, "words\n")).toEqual({ not: "the terminal is stopped" });
  } finally {
    ioctl(fd, TCXONC, TCOON);
    closeSync(fd);
  }
  expect(platform.writeTerminal(process, "words\n")).toBe("written");
});

describe("nothing is written", () => {
  test("where there is no terminal, or one that is no pseudo-terminal", async () => {
    const { process } = await onTerminal();
    expect(platform.writeTerminal({ ...process, tty: null }, "x")).toEqual({ not: "it has no terminal" });
    for (const tty of ["/dev/tty1", "/dev/sda", "/dev/pts/../sda", "/dev/pts/0\n"])
      expect(platform.writeTerminal({ ...process, tty }, "x")).toEqual({
        not: expect.stringContaining("is no pseudo-terminal") as string,
      });
  });

  test("on a terminal that the process is not on", async () => {
    const [one, other] = [await onTerminal(), await onTerminal()];
    expect(platform.writeTerminal({ ...one.process, tty: other.process.tty ?? "" }, "secret")).toEqual({
      not: "the process has left the terminal",
    });
    expect(other.screen()).not.toContain("secret");
  });

  test("for a process that has ended, although its pid and terminal are used again", async () => {
    const { process } = await onTerminal();
    expect(platform.writeTerminal({ ...process, start: process.start - 1 }, "x")).toEqual({
      not: "the process has ended, and its shell too",
    });
  });

  test("where the message is longer than any of ours", async () => {
    const { process } = await onTerminal();
    expect(platform.writeTerminal(process, "x".repeat(5000))).toEqual({ not: "the message is too long" });
  });

  test.skipIf(root)("on a terminal of somebody else, as under sudo", async () => {
    const { process } = await onTerminal("/usr/bin/setpriv", [
      ..."--reuid 4242 --regid 4242 --clear-groups".split(" "),
      ...sleeper,
    ]);
    expect(process.uid).toBe(4242);
    expect(platform.writeTerminal(process, "x")).toEqual({ not: "the terminal belongs to somebody else" });
  });

  test.skipIf(root)("for a process whose /dev/pts may be another one", async () => {
    const { process } = await onTerminal("/usr/bin/unshare", ["--mount", ...sleeper]);
    expect(platform.writeTerminal(process, "x")).toEqual({ not: "the process has file systems of its own" });
  });
});

test("whatever the text, only printable characters and line ends reach the terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const safe = terminalText(text).replaceAll("\r\n", "");
      // oxlint-disable-next-line no-control-regex -- these are what must not be there
      expect(safe).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }),
  );
});
