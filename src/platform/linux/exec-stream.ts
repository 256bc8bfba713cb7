import { dirname } from "node:path";
import { setImmediate as turn, setTimeout as after } from "node:timers/promises";
import { describe } from "#lib/errors.ts";
import {
  PlatformError,
  type ExecBatch,
  type ExecListening,
  type ExecSeen,
  type ExecStream,
} from "#platform/platform.ts";
import type { ExecArguments } from "#platform/linux/exec-arguments.ts";
import { Glimpses, gone } from "#platform/linux/exec-glimpse.ts";
import { ifReadable } from "#platform/linux/identity.ts";
import { SystemCallError } from "#platform/linux/libc.ts";
import { deviceText, parseCmdline } from "#platform/linux/proc.ts";
import { ProcConnector } from "#platform/linux/proc-connector.ts";
import { readLink, readOnce, readSmall, statOf } from "#platform/linux/read.ts";
import { rootsAlone } from "#platform/linux/vital.ts";

/** Bytes of events that the kernel keeps for us: some 20,000 execs. */
const roomForEvents = 16 * 1024 * 1024;
/** Execs read before others have a turn: two or three milliseconds. */
const atATurn = 128;
/**
 * Milliseconds after an exec in which the next is waited for on this thread: a shell script or a build starts it by then. And
 * those after which others have a turn in any case, so that their timers are not late by more.
 */
const [linger, longestTurn] = [50, 10];
/** Milliseconds between readings of what came together. */
const gathering = 20;
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
function readNow(pid: number, ours: Ours): ExecSeen | undefined | typeof gone {
  try {
    const image = `/proc/${pid}/exe`;
    const file = statOf(image);
    const link = readLink(image);
    const argv = argumentsOf(pid);
    const mounts = mountsOf(pid);
    if (file === undefined || link === undefined || argv === undefined || mounts === undefined) return gone;
    if (argv.length === 0 && statOf(image) === undefined) return gone; // it has given its memory back
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

function isRootsAlone(path: string): boolean {
  try {
    return rootsAlone()(dirname(path));
  } catch {
    return false; // it lies there no more
  }
}

export interface ExecStreamOptions extends ExecListening {
  readonly told: (batch: ExecBatch) => void;
  readonly kept: ExecArguments;
  /** Bytes of events that the kernel may keep for us. */
  readonly room?: number;
}

const nothing = (): boolean => false;

class Stream implements ExecStream {
  readonly #connector: ProcConnector;
  readonly #told: (batch: ExecBatch) => void;
  readonly #isKnown: (glimpse: string) => boolean;
  readonly #mayGather: () => boolean;
  readonly #kept: ExecArguments;
  readonly #glimpses = new Glimpses();
  readonly #ours: Ours = { mounts: mountsOf("self"), root: rootOf("self") };
  /** When the last exec was told of. */
  #heard = -Infinity;
  #closed = false;
  #broken: string | undefined;

  constructor(connector: ProcConnector, { told, isKnown = nothing, mayGather = nothing, kept }: ExecStreamOptions) {
    this.#connector = connector;
    this.#told = told;
    this.#isKnown = isKnown;
    this.#mayGather = mayGather;
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
      while (!this.#closed) {
        await this.#connector.arrival();
        await this.#attend();
      }
    } catch (error) {
      this.#broken = describe(error);
      this.#connector.close();
    }
  }

  /**
   * As long as one exec follows another; whoever comes alone is taken, and no other waited for. Others have a turn when they have something
   * to do, and else now and then.
   */
  async #attend(): Promise<void> {
    let turned = performance.now();
    const alone = turned - this.#heard >= linger;
    while (!this.#closed) {
      const { told, seen, more } = this.#take();
      const [now, gathers] = [performance.now(), this.#mayGather()];
      if (told) this.#heard = now;
      if (alone ? !more : !told && (gathers || now - this.#heard >= linger)) return;
      if (gathers && !more) {
        // A timer's turn comes where there is room; the kernel has who waits for an event run where it happened (WF_SYNC), before it.
        await after(gathering);
        continue;
      }
      const others = seen || more || this.#connector.waitHere(longestTurn) || performance.now() - turned >= longestTurn;
      if (!others) continue;
      await turn();
      turned = performance.now();
    }
  }

  /** Takes what has come: whether that was anything, whether any of it was looked at, and whether there is more. */
  #take(): { readonly told: boolean; readonly seen: boolean; readonly more: boolean } {
    const { pids, lost, more } = this.#connector.receive(atATurn);
    if (pids.length === 0 && !lost) return { told: false, seen: false, more };
    const seen: ExecSeen[] = [];
    let [known, vanished] = [0, 0];
    for (const pid of pids) {
      const glimpse = this.#glimpses.of(pid);
      if (typeof glimpse === "string" && this.#isKnown(glimpse)) known += 1;
      else {
        const one = glimpse === gone ? gone : this.#look(pid, glimpse);
        if (one === gone) vanished += 1;
        else if (one !== undefined) seen.push(one);
      }
    }
    this.#told({ seen, known, vanished, lost });
    return { told: true, seen: seen.length > 0, more };
  }

  /** All of it; with a glimpse only where that is still the same, so that both are of one start, and nobody can move its folder. */
  #look(pid: number, first: string | undefined): ExecSeen | undefined | typeof gone {
    const one = readNow(pid, this.#ours);
    if (one === gone || one === undefined || first === undefined || !one.sameMounts) return one;
    return { ...one, glimpse: () => (isRootsAlone(one.path) && this.#glimpses.of(pid) === first ? first : undefined) };
  }
}

/** Begins to tell of execs. @throws SystemCallError; PlatformError where the kernel does not answer */
export function openExecStream(options: ExecStreamOptions): ExecStream {
  const connector = new ProcConnector(options.room ?? roomForEvents);
  try {
    if (!connector.listen()) throw new SystemCallError("PROC_CN_MCAST_LISTEN", "ENOTSUP");
    return new Stream(connector, options);
  } catch (error) {
    connector.close();
    throw error;
  }
}
