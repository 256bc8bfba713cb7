import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { Duplex, PassThrough } from "node:stream";
import { extname, isAbsolute, join } from "node:path";
import { isSea } from "node:sea";
import type { OwnProcess } from "#platform/gate.ts";
import { atEverybodysPace } from "#platform/priority.ts";
import { PlatformError, type Helper, type TerminalRun, type TerminalRunOptions } from "#platform/platform.ts";

/** What every program gets unless its caller says more: nothing of the agent's own environment (law 4). */
const plainEnv = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" } as const;

export interface RunOptions {
  /** Milliseconds, then it is killed. */
  readonly deadline?: number;
  /** Bytes of output, then it is killed. */
  readonly limit?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for its standard input, which is then closed. */
  readonly input?: Uint8Array;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Runs one command to its end, without a shell. A code other than 0 is a result.
 * @throws PlatformError `gone` where there is no such program, `limit` when it is too slow or says too much.
 */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  if (!isAbsolute(file)) throw new PlatformError("refused", `${file} is no absolute path`);
  const { deadline = 10_000, limit = 1024 * 1024, env = {}, input } = options;
  const settings = {
    timeout: deadline,
    killSignal: "SIGKILL",
    maxBuffer: limit,
    encoding: "buffer",
    cwd: "/",
    env: { ...plainEnv, ...env },
  } as const;
  return new Promise((resolve, reject) => {
    const child = atEverybodysPace(() =>
      execFile(file, [...args], settings, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") resolve({ code, stdout, stderr });
        else if (error?.code === "ENOENT")
          reject(new PlatformError("gone", `${file} is not installed`, { cause: error }));
        else if (error?.killed === true || error?.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
          reject(new PlatformError("limit", `${file} took too long or said too much`, { cause: error }));
        else reject(new PlatformError("failed", `${file} did not run`, { cause: error }));
      }),
    );
    if (input === undefined) return;
    child.stdin?.on("error", () => undefined); // it does not want to hear it, or is not there: its end says so
    child.stdin?.end(input);
  });
}

/** How this very program is started again: the single executable, the bundle beside its runtime, or the sources. */
export function selfCommand(): { readonly file: string; readonly args: readonly string[] } {
  if (isSea()) return { file: process.execPath, args: [] };
  return { file: process.execPath, args: [entryOf("cli/main")] };
}

/** A program of ours, as a file: a bundle's files lie as deep as the sources do (installers/bundle.ts). */
export function entryOf(program: string): string {
  return join(import.meta.dirname, "..", `${program}${extname(import.meta.filename)}`);
}

export interface SelfOptions {
  /** Run as this user, with that user's primary group only. Undefined: as we are. */
  readonly as?: { readonly uid: number; readonly gid: number };
  readonly env?: Readonly<Record<string, string>>;
}

/** A small young generation: it keeps little, and every page it has is paid for on every machine. */
const gateFlags = isSea() ? [] : ["--max-semi-space-size=4"];
const gateEnv = { MALLOC_ARENA_MAX: "2" } as const;

/** A line longer than this ends the helper: it runs as somebody else, and what it says is a stranger's. */
const lineLimit = 64 * 1024;

/** Starts a helper of our own, in a clean environment; its standard input and output carry lines. */
export function startSelf(args: readonly string[], options: SelfOptions = {}): Helper {
  const self = selfCommand();
  const as = options.as;
  const other = as !== undefined && as.uid !== process.getuid?.();
  const child = atEverybodysPace(() =>
    spawn(self.file, [...self.args, ...args], {
      stdio: ["pipe", "pipe", other ? "ignore" : "inherit"], // no descriptor of ours for somebody else
      cwd: "/",
      env: { ...plainEnv, ...options.env },
      ...(other && { uid: as.uid, gid: as.gid }),
    }),
  );
  return helperOf(child);
}

/**
 * Starts the gate's process, which speaks on descriptor 3, and has `memory` that it shares with us on 4. It has no other pipe: what
 * nobody reads must not stop it. @throws PlatformError `failed`
 */
export function startGateProcess(memory: number | undefined): OwnProcess {
  const { args } = selfCommand();
  return startAttended("gate", [...gateFlags, ...args, "gate"], {}, memory);
}

/** Where our own files lie: all that a process needs to read which reads nothing. */
const ownFiles = join(import.meta.dirname, "../..");
/** Node's own permissions, and no compiler: what is sent to it can neither write, nor start, nor load anything. Sources need a compiler. */
const courierFlags = ["--no-warnings", "--permission", "--allow-net", `--allow-fs-read=${ownFiles}`].concat(
  extname(import.meta.filename) === ".ts" ? [] : ["--jitless"],
);
/** Users that no machine gives to anybody (systemd's UIDS-GIDS: 1879048192 to 2147483647 are unused). */
const [firstOfNobodys, ofNobodys] = [1_900_000_000, 1_000_000];

/**
 * Starts the process that fetches, which speaks on descriptor 3: where we are root, as a user that nobody else is.
 * @throws PlatformError `failed`
 */
export function startCourierProcess(): OwnProcess {
  const nobody = firstOfNobodys + randomInt(ofNobodys);
  const as = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  return startAttended("courier", [...courierFlags, entryOf("trust/courier-main")], as);
}

function startAttended(
  name: string,
  args: readonly string[],
  as: { readonly uid?: number; readonly gid?: number },
  memory?: number,
): OwnProcess {
  const child = atEverybodysPace(() =>
    spawn(process.execPath, [...args], {
      stdio: ["ignore", "ignore", as.uid === undefined ? "inherit" : "ignore", "pipe", memory ?? "ignore"],
      cwd: "/",
      env: { ...plainEnv, ...gateEnv },
      ...as,
    }),
  );
  const control = child.stdio[3];
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code ?? "unknown"}`));
  });
  if (child.pid === undefined || !(control instanceof Duplex))
    throw new PlatformError("failed", `the ${name}'s process does not start`);
  control.on("error", () => undefined); // it has ended: `ended` says so
  return { pid: child.pid, control, ended, kill: () => void child.kill("SIGKILL") };
}

function helperOf(child: ChildProcess): Helper {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new PlatformError("failed", "a helper has no pipes");
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve()); // it could not be started
    child.once("exit", () => resolve());
  });
  const kill = (): void => void child.kill("SIGKILL");
  stdin.on("error", kill); // it no longer listens
  // Held from the first byte on: Node throws away what nobody has read when a child ends.
  const said = stdout.pipe(new PassThrough());
  return {
    send: (line) => void stdin.write(`${line}\n`),
    lines: () => linesOf(said, kill),
    ended,
    stop: () => {
      stdin.end();
      child.kill("SIGTERM");
    },
  };
}

/** Whole lines, as they come; nothing is read ahead of who reads them. */
async function* linesOf(output: AsyncIterable<Buffer>, tooLong: () => void): AsyncGenerator<string> {
  let rest = Buffer.of();
  for await (const chunk of output) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > lineLimit) {
      tooLong();
      return;
    }
  }
}

/** Starts a program in a session of its own whose controlling terminal is `terminal`, a descriptor (setsid(1), util-linux). */
export function startOnTerminal(
  file: string,
  args: readonly string[],
  terminal: number,
  options: TerminalRunOptions,
): TerminalRun {
  if (!isAbsolute(file)) throw new PlatformError("refused", `${file} is no absolute path`);
  const child = atEverybodysPace(() =>
    spawn("/usr/bin/setsid", ["--ctty", file, ...args], {
      stdio: [terminal, terminal, terminal],
      cwd: options.cwd ?? "/",
      env: { PATH: plainEnv.PATH, TERM: "xterm-256color", ...options.env },
      ...options.as,
    }),
  );
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once("error", (cause) => reject(new PlatformError("failed", `${file} did not start`, { cause })));
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  if (child.pid === undefined) throw new PlatformError("failed", `${file} did not start`);
  return { pid: child.pid, ended, stop: () => void child.kill("SIGTERM") };
}
