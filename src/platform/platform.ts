import type { Socket } from "node:net";
import type { Capabilities } from "#platform/capabilities.ts";
import type { Gate, GateProcess, OwnProcess } from "#platform/gate.ts";
import type { FileSeen, ProcessSeen } from "#policy/evidence.ts";
import type { ProcessId } from "#policy/outcome.ts";

/**
 * `unsupported`: this system or kernel cannot · `denied`: not permitted to this user · `gone`: it is not there (any more) ·
 * `exists`: something is in the way · `link`: a symbolic link or mount where none may be · `device`: on another filesystem ·
 * `refused`: our own rule forbids it · `limit`: too much or too late · `failed`: anything else, see the message and `cause`.
 */
export type PlatformErrorCode =
  | "unsupported"
  | "denied"
  | "gone"
  | "exists"
  | "link"
  | "device"
  | "refused"
  | "limit"
  | "failed";

export class PlatformError extends Error {
  readonly code: PlatformErrorCode;
  constructor(code: PlatformErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PlatformError";
    this.code = code;
  }
}

/** One line of a sweep: cheap, and enough to see what is new. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  /** Undefined where the system does not say; never taken for root. */
  readonly uid: number | undefined;
  readonly name: string;
  /** The real program's; empty where it cannot be read: what a process says of itself is no path. */
  readonly path: string;
  /** Its arguments, the first few thousand bytes of them. */
  readonly cmd: string;
  /** ISO 8601, whole seconds: good for a difference, not for an identity. */
  readonly started: string | undefined;
}

/** A running process, read at one moment. What could not be read says why. */
export interface ProcessDetail {
  readonly process: ProcessSeen;
  readonly program: FileSeen & { readonly dev: string; readonly ino: string };
  /** A path that opens the running program's very bytes, even when it was deleted (/proc/PID/exe). */
  readonly image: string;
  /** argv as bytes, so that nothing is lost where it is not UTF-8. */
  readonly argvBytes: readonly Uint8Array[];
  /** Whether its paths mean the same in our mount namespace. */
  readonly sameMounts: boolean;
  /** Folders through which its own root, the folder it runs in, and its open files by number are reached, whatever they are called. */
  readonly ways: { readonly root: string; readonly cwd: string; readonly descriptors: string };
}

/** A program that has just begun, read at once: enough to know whether it must be looked at closely. */
export interface ExecSeen {
  readonly pid: number;
  /** Where it lies, as its own process names it. */
  readonly path: string;
  /** Device, inode, size, mtime and ctime (both in nanoseconds) of its file as one text: the same as long as nobody touches it. */
  readonly stamp: string;
  /** Its device, "major:minor". */
  readonly dev: string;
  readonly argvBytes: readonly Uint8Array[];
  /** Its mount namespace. */
  readonly mounts: string;
  /** Whether its mount namespace and root folder are ours. */
  readonly sameMounts: boolean;
  /**
   * Of a program that nobody but root can write or move: a text that is the same for each start of it, as long as its file is
   * untouched, it is called by the same name, and it is given code (`-c`) or is not. Only whoever will remember it needs to ask, as soon as
   * it is told of: undefined for any other program, and where it has ended or become something else.
   */
  readonly glimpse?: () => string | undefined;
}

export interface ExecBatch {
  readonly seen: readonly ExecSeen[];
  /** How many of them had a glimpse that was known: nothing more was read of them. */
  readonly known: number;
  /** How many began and were gone, or had become something else, before they could be read. */
  readonly vanished: number;
  /** Some were not told of at all: there was no room for them. */
  readonly lost: boolean;
}

/** How to listen. */
export interface ExecListening {
  /** Whether nothing more need be read of a start that looks like this (`ExecSeen.glimpse`). */
  readonly isKnown?: (glimpse: string) => boolean;
  /**
   * Whether starts that follow one another may be read a few milliseconds late, all that came at once: others have asked about
   * them, and each reading takes its time from whoever has just begun. The first after a rest is read at once in any case.
   */
  readonly mayGather?: () => boolean;
}

/** Every exec of the machine, as it happens. */
export interface ExecStream {
  /** Why it has ended by itself; undefined while it goes on. */
  readonly broken: string | undefined;
  /** The folder that a process runs in, in bytes. */
  folderOf(pid: number): Uint8Array | undefined;
  /** From now on `inspect` gives these arguments, whatever the process writes over them, until it ends or runs another program. */
  keepArguments(seen: ExecSeen): void;
  close(): void;
}

/** A person who can log in. */
export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A graphical login: where that person's session bus listens. */
export interface GraphicalSession {
  readonly person: Person;
  readonly runtimeDir: string;
  /** A D-Bus address, such as unix:path=/run/user/1000/bus. */
  readonly bus: string;
  /** BCP 47, from the session's environment; "en" where it does not say. */
  readonly language: string;
  /** Environment variables that a program needs to draw there, and no others. */
  readonly display: Readonly<Record<string, string>>;
}

/** A program that no ban may stop (law 6): root's, in folders only root can write. */
export interface VitalFile {
  readonly path: string;
  readonly dev: string;
  readonly ino: string;
}

export type Signal = "TERM" | "STOP" | "CONT" | "KILL";

/** A process held by a descriptor: what is signalled is what was held, or nothing. */
export interface Held {
  readonly id: ProcessId;
  /** Looks at pid, start time and program again first. */
  signal(signal: Signal): "sent" | "gone" | "changed" | "refused";
  /** False where the system would drop a SIGTERM of ours, so that nothing comes of waiting for it. */
  hearsTerm(): boolean;
  /** True when it ended within the time, in milliseconds. */
  ended(within: number): Promise<boolean>;
  close(): void;
}

/** A process in somebody's tree, as far as it matters to stopping it. */
export interface TreeProcess {
  readonly id: ProcessId;
  readonly ppid: number;
  readonly uid: number;
  readonly session: number;
}

export interface Quarantined {
  readonly id: string;
  readonly from: string;
  readonly at: string;
  readonly owner: number;
  readonly bytes: number;
}

/** A helper process of ours that runs as another user; lines of JSON in both directions. */
export interface Helper {
  send(line: string): void;
  lines(): AsyncIterable<string>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** A program on a pseudo-terminal of its own. */
export interface TerminalRunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this user; undefined: as we are. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** What the terminal shows, as it comes. */
  readonly onOutput: (text: string) => void;
}
export interface TerminalRun {
  readonly pid: number;
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  stop(): void;
}

/** Of sd_notify(3). The times are microseconds; a new watchdog period counts from now on. */
export type ServiceState =
  | "READY=1"
  | "STOPPING=1"
  | "WATCHDOG=1"
  | `WATCHDOG_USEC=${number}`
  | `EXTEND_TIMEOUT_USEC=${number}`;

/** One start of the machine: another id each time, and how many seconds ago it was. */
export type Boot = Readonly<{ id: string; seconds: number }>;

/** What an operating system gives us. Shared code never asks which one it is. */
export interface Platform {
  readonly capabilities: Capabilities;
  readonly os: "linux" | "macos" | "windows";
  /** Undefined where the system does not tell its starts apart. */
  boot(): Boot | undefined;
  /** One sweep over every process there is. */
  processes(): Promise<readonly ProcessRow[]>;
  /**
   * Undefined when it has gone, or never had a program (kernel threads). Its arguments are those it was started with where
   * a stream keeps them. @throws PlatformError `denied` where this user may not look. */
  inspect(pid: number): Promise<ProcessDetail | undefined>;
  /**
   * Tells of each program that begins, in order, until closed. `told` must not throw. Undefined where
   * `capabilities.stream` is down. @throws PlatformError
   */
  execs(told: (batch: ExecBatch) => void, how?: ExecListening): ExecStream | undefined;
  /** Live descendants of a process, one look (not a fixed point). */
  tree(pid: number): Promise<readonly TreeProcess[]>;
  /** Undefined when it is gone, or no longer what the id says. */
  hold(id: ProcessId): Held | undefined;
  people(): Promise<readonly Person[]>;
  /** The login name of any uid, directory services included; undefined where it has none, or they do not answer. */
  nameOf(uid: number): Promise<string | undefined>;
  sessions(): Promise<readonly GraphicalSession[]>;
  /** Folders that tools of one person (or of everyone, `owner` 0) are installed in; they need not exist. */
  installRoots(people: readonly Person[]): readonly InstallRoot[];
  vital(): Promise<readonly VitalFile[]>;
  /** Looks again whether the file at this path is still vital, as it is now. */
  isVital(file: FileSeen): boolean;
  /** Keeps the terminal of a process that is about to be stopped within reach for some seconds: its shell may end with it. */
  keepTerminal(process: ProcessSeen): void;
  /** Writes to the terminal of one process, or where it was until it ended, if it is a pseudo-terminal of that process's user; never waits. */
  writeTerminal(process: ProcessSeen, text: string): "written" | { readonly not: string };
  /** BCP 47, of the environment of a process or of its shell; undefined where neither is left to say. */
  terminalLanguage(process: ProcessSeen): string | undefined;
  /** Puts the whole package, extension or program file that a file belongs to into a folder of ours. @throws PlatformError; then all is where it was */
  quarantine(file: FileSeen, into: string): Promise<Quarantined>;
  /** Puts it back as its owner's, never over something. @throws PlatformError `exists`, `gone`, `refused` */
  restore(id: string, from: string): Promise<Quarantined>;
  /** What lies there, oldest first. */
  inQuarantine(from: string): Promise<readonly Quarantined[]>;
  startSession(session: GraphicalSession): Helper;
  /** Runs a program as a person would, in a terminal: for the demo, and for tests. @throws PlatformError */
  runInTerminal(program: string, args: readonly string[], options: TerminalRunOptions): TerminalRun;
  /** Starts the gate's process, where this system has a gate. */
  readonly startGate?: () => GateProcess;
  /** Starts the courier, which fetches and can do nothing else (`trust/courier-main.ts`). @throws PlatformError `failed` */
  readonly startCourier?: () => OwnProcess;
  /** Makes this very process the gate; `control` is the descriptor on which its supervisor speaks. @throws PlatformError */
  readonly openGate?: (control: number) => Gate;
  /** Uid of whoever is at the other end of a local socket; undefined where it cannot be known. */
  peerUid(socket: Socket): number | undefined;
  /** Tells the service manager how we are (sd_notify(3)); nothing where there is none. */
  service(state: ServiceState): void;
  /** The service manager's watchdog period in milliseconds, where it set one. */
  readonly watchdog: number | undefined;
}

/**
 * `bin` and `apps`: programs as well · `units`: only what says itself what it is · `home`: likewise, in folders that are not
 * hidden · `packages`: a package manager's database.
 */
export type Holds = "npm" | "python" | "bin" | "apps" | "units" | "home" | "packages";

/** Why what another machine has is not looked through. */
export const elsewhere = "another machine has it: it is looked through there";

export interface InstallRoot {
  readonly path: string;
  readonly owner: number;
  /** What lies there, and so how it is read. */
  readonly holds: Holds;
  /** How many folders deep a change can matter. */
  readonly depth: number;
  /** Folders of it, or it, that another machine has: whoever looks there may wait for ever. */
  readonly without?: readonly string[];
}
