import koffi from "koffi";
import { chownSync, closeSync, constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { startOnTerminal } from "#platform/commands.ts";
import { PlatformError, type TerminalRun, type TerminalRunOptions } from "#platform/platform.ts";

// ioctl_tty(2): unlock the other side, and ask for its number.
const tiocsptlck = 0x40045431;
const tiocgptn = 0x80045430;

/** Opens a pseudo-terminal (pty(7)): the side we read, and the path of the side a program runs on. */
function openPty(): { readonly ours: number; readonly path: string } {
  const ioctl: (fd: number, request: number, value: Uint8Array) => number = koffi
    .load(null)
    .func("int ioctl(int fd, unsigned long request, _Inout_ uint8_t *value)");
  const ours = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
  const value = Buffer.alloc(4);
  if (ioctl(ours, tiocsptlck, value) < 0 || ioctl(ours, tiocgptn, value) < 0) {
    closeSync(ours);
    throw new PlatformError("failed", "a pseudo-terminal could not be opened");
  }
  return { ours, path: `/dev/pts/${value.readUInt32LE(0)}` };
}

/** Runs a program on a terminal of its own, and gives what that terminal shows. */
export function runInTerminal(program: string, args: readonly string[], options: TerminalRunOptions): TerminalRun {
  const { ours, path } = openPty();
  const theirs = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  try {
    if (options.as !== undefined) chownSync(path, options.as.uid, options.as.gid);
    const child = startOnTerminal(program, args, theirs, options);
    const screen = new ReadStream(ours);
    screen.setEncoding("utf8");
    screen.on("data", (chunk: Buffer | string) => options.onOutput(chunk.toString()));
    // EIO is how Linux says that the last program on the terminal has ended.
    screen.on("error", () => screen.destroy());
    return child;
  } finally {
    closeSync(theirs);
  }
}
