import { setImmediate as turn } from "node:timers/promises";
import { describe } from "#lib/errors.ts";
import { PlatformError, type ExecBatch, type ExecSeen, type ExecStream } from "#platform/platform.ts";
import type { ExecArguments } from "#platform/linux/exec-arguments.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { SystemCallError } from "#platform/linux/libc.ts";
import { deviceText, parseCmdline } from "#platform/linux/proc.ts";
import { ProcConnector } from "#platform/linux/proc-connector.ts";
import { readLink, readOnce, readSmall, statOf } from "#platform/linux/read.ts";

/** Bytes of events that the kernel keeps for us: some 20,000 execs. */
const roomForEvents = 16 * 1024 * 1024;
/** Execs read before others have a turn: two or three milliseconds. */
const atATurn = 128;
/** Milliseconds after an exec in which the next is waited for on this thread: a shell script or a build starts it by then. */
const linger = 3;
/** As `inspect` takes them. */
const argvLimit = 256 * 1024;
const shortArgv = 2048;

/** What trying the stream on this machine came to. */
export type ExecEvents =
  | { readonly works: true }
  | { readonly works: false; readonly call: string; readonly errno: string };

/** Asks the kernel for its stream and lets go of it again: whether it gives one cannot be known otherwise. */
export function tryExecEvents(): ExecEvents {
  let connector: ProcConnector | undefined;
  try {
    connector = new ProcConnector(4096);
    return connector.listen() ? { works: true } : { works: false, call: "PROC_CN_MCAST_LISTEN", errno: "no answer" };
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return { works: false, call: error.call, errno: error.errno };
  } finally {
    connector?.close();
  }
}

/** Where our own paths mean what they say. */
interface Ours {
  readonly mounts: string | undefined;
  readonly root: string | undefined;
}

const mountsOf = (pid: number | "self"): string | undefined =>
  ifReadable(() => readLink(`/proc/${pid}/ns/mnt`))?.toString("latin1");

function rootOf(pid: number | "self"): string | undefined {
  const root = ifReadable(() => statOf(`/proc/${pid}/root`));
  return root === undefined ? undefined : `${root.dev} ${root.ino}`;
}

/** The kernel gives all of it that there is room for at once: only one that fills the room may be longer. */
function argumentsOf(pid: number): Buffer | undefined {
  const short = readOnce(`/proc/${pid}/cmdline`, shortArgv);
  return short?.length === shortArgv ? readSmall(`/proc/${pid}/cmdline`, argvLimit) : short;
}

/** Reads what has just begun: six system calls or so. Undefined where this user may not look at it. */
function readNow(pid: number, ours: Ours): ExecSeen | "gone" | undefined {
  try {
    const image = `/proc/${pid}/exe`;
    const file = statOf(image);
    const link = readLink(image);
    const argv = argumentsOf(pid);
    const mounts = mountsOf(pid);
    if (file === undefined || link === undefined || argv === undefined || mounts === undefined) return "gone";
    if (argv.length === 0 && statOf(image) === undefined) return "gone"; // it has given its memory back
    const dev = deviceText(file.dev);
    return {
      pid,
      path: link.toString("utf8"),
      stamp: `${dev} ${file.ino} ${file.size} ${file.mtimeNs} ${file.ctimeNs}`,
      dev,
      argvBytes: parseCmdline(argv),
      mounts,
      sameMounts: mounts === ours.mounts && rootOf(pid) === ours.root,
    };
  } catch (error) {
    if (error instanceof PlatformError) return undefined;
    throw error;
  }
}

class Stream implements ExecStream {
  readonly #connector: ProcConnector;
  readonly #told: (batch: ExecBatch) => void;
  readonly #kept: ExecArguments;
  readonly #ours: Ours = { mounts: mountsOf("self"), root: rootOf("self") };
  #closed = false;
  #broken: string | undefined;

  constructor(connector: ProcConnector, told: (batch: ExecBatch) => void, kept: ExecArguments) {
    this.#connector = connector;
    this.#told = told;
    this.#kept = kept;
    void this.#run();
  }

  get broken(): string | undefined {
    return this.#broken;
  }

  folderOf(pid: number): Uint8Array | undefined {
    return ifReadable(() => readLink(`/proc/${pid}/cwd`));
  }

  keepArguments(seen: ExecSeen): void {
    this.#kept.keep(seen);
  }

  close(): void {
    this.#closed = true;
    this.#connector.close();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#connector.arrival();
        for (let heard = performance.now(); !this.#closed && performance.now() - heard < linger;) {
          const { told, more } = this.#take();
          if (told) heard = performance.now();
          await turn();
          if (!more) this.#connector.waitHere(linger);
        }
        if (this.#closed) return;
      }
    } catch (error) {
      this.#broken = describe(error);
      this.#connector.close();
    }
  }

  /** What has come, and whether there is more. */
  #take(): { readonly told: boolean; readonly more: boolean } {
    const { pids, lost, more } = this.#connector.receive(atATurn);
    if (pids.length === 0 && !lost) return { told: false, more };
    const seen: ExecSeen[] = [];
    let vanished = 0;
    for (const pid of pids) {
      const one = readNow(pid, this.#ours);
      if (one === "gone") vanished += 1;
      else if (one !== undefined) seen.push(one);
    }
    this.#told({ seen, vanished, lost });
    return { told: true, more };
  }
}

/** Begins to tell of execs. `room`: bytes that the kernel may keep for us. @throws SystemCallError; PlatformError where the kernel does not answer */
export function openExecStream(
  told: (batch: ExecBatch) => void,
  kept: ExecArguments,
  room: number = roomForEvents,
): ExecStream {
  const connector = new ProcConnector(room);
  try {
    if (!connector.listen()) throw new SystemCallError("PROC_CN_MCAST_LISTEN", "ENOTSUP");
    return new Stream(connector, told, kept);
  } catch (error) {
    connector.close();
    throw error;
  }
}
