import type { Duplex } from "node:stream";
import type { ProcessSeen } from "#policy/evidence.ts";

/** A file that somebody is about to run or, where it was marked so, to open: the kernel holds them until it is answered. */
export interface Question {
  readonly what: "exec" | "open";
  /** Who asks, as our pid namespace counts; 0 where it cannot be seen from here. */
  readonly pid: number;
  /** Open for reading, ours until it is answered. Only pread(2) and fstat(2) touch it: opening it again would wait for ourselves. */
  readonly fd: number;
  /** Where the kernel says it is: bytes, and not always a path that leads there. */
  readonly path: Uint8Array;
  /** Milliseconds of the monotonic clock when the kernel's question was read. */
  readonly since: number;
}

export type Answer = "allow" | "deny";

/** What an answer that is not ready waits for: its own reading of a large file, or what the agent was asked. */
export type Pause = "bytes" | "agent";

/** An answer being found; it may pause, so that a large file delays nobody else. Dropped when its time is over. */
export type Finding = Generator<Pause, Answer, void>;

/** Milliseconds an answer may take: in all while it reads, and for what the agent is asked. */
export const deadlines = { bytes: 2_000, agent: 200 } as const;

/** Who answers. Nothing here may wait, start a program, or open a path outside /proc. */
export interface GateDuty {
  find(question: Question): Finding;
  /** The answer where it was not found in time; `why` it was not. */
  late(question: Question, why: Pause | "failed"): Answer;
  /** A line from the agent. */
  hear(line: string): void;
  /** The kernel's queue was full: programs have started unasked. */
  overflowed(): void;
  /** Filesystems were marked, or could not be. */
  marked(marks: GateMarks): void;
}

/** What the gate sees: each filesystem once. */
export interface GateMarks {
  /** Devices, "major:minor", whose programs are asked about. */
  readonly devices: readonly string[];
  /** Mount points that are not, and why; `stoodStill` where they were left out for that. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/** Why a filesystem is left out that gates stood still on, by its device. */
export function stoodStill(device: string): string {
  return `gates stood still while they read from ${device}: the exec stream watches it`;
}

/** "major:minor" and inode. */
export interface FileId {
  readonly dev: string;
  readonly ino: string;
}

/** A file whose opening is asked about, not only its running. The path has no links in it. */
export interface Entry extends FileId {
  readonly path: string;
}

/** The lines between the gate's process and the agent. Never waits once the gate serves. */
export interface GateControl {
  /** Waits for the next line. Undefined when the agent has gone. */
  waitLine(): string | undefined;
  /** Waits for that many bytes. Undefined when the agent has gone. */
  waitBytes(length: number): Uint8Array | undefined;
  /** Kept, up to a bound, while the agent does not listen. */
  say(line: string): void;
  /** Lines past that bound, which are lost. */
  readonly dropped: number;
}

/** The gate of one process: it holds the kernel's questions, and lets all go when it ends (fanotify(7)). */
export interface Gate {
  readonly control: GateControl;
  /**
   * Asks to be asked: on each filesystem whose files can be opened, or on those of `only` (mount points), but not on the devices
   * of `leave`. @throws PlatformError
   */
  mark(only: readonly string[] | undefined, leave: readonly string[]): GateMarks;
  /** The devices that are left out from now on: fewer than before. */
  leave(devices: readonly string[]): GateMarks;
  /** Said before each reading from a file, with its device, and after it with none. Whoever started us knows of it when we are no more. */
  reading(device: string | undefined): void;
  /** Whether a file lies on a filesystem of our own mount namespace, by its device: elsewhere an owner may be anybody's word. */
  isOurs(device: string): boolean;
  /** Whether files on that device show every change in their stamps (statfs(2)). */
  believes(fd: number, device: string): boolean;
  /** Whether nobody can write to a file now, and what was `changed` of it is long enough ago for the next change to show. Milliseconds since the epoch. */
  steady(fd: number, changed: number, now: number): boolean;
  /** Who asks, as /proc says; without arguments, which are still those of whatever it was. Undefined when it cannot be seen. */
  asker(pid: number): ProcessSeen | undefined;
  /** The program that a process runs now, as /proc says; a path for people. */
  programOf(pid: number): string | undefined;
  /** Whoever asks of this file is not asked about again until somebody writes to it. */
  settle(fd: number): void;
  unsettle(fd: number): void;
  /** Forgets all that was settled. */
  unsettleAll(): void;
  /** Asks about the filesystems of a process in another mount namespace as well, first about the one on that device. */
  markProcess(pid: number, device: string): void;
  /** Opening these files, too, is asked about from now on. */
  addEntries(entries: readonly Entry[]): void;
  /** What lies at a path of a gated filesystem, links not followed; the way never leaves it. */
  idAt(path: Uint8Array): FileId | undefined;
  /** What the agent was asked about this question has come: it is taken up again. */
  wake(fd: number): void;
  /** Answers what is being asked, asks for nothing more, and ends. */
  finish(): void;
  readonly waiting: number;
  /** Answers until it is told to end, or the agent has gone. */
  serve(duty: GateDuty): Promise<void>;
}

/** How a gate ended, in words; and the device whose reading it never came back from, where its dead man's switch ended it. */
export interface GateEnd {
  readonly how: string;
  readonly stoodOn?: string | undefined;
}

/** A process of our own, as its supervisor has it. */
export interface OwnProcess {
  readonly pid: number;
  /** The other end of its control socket. */
  readonly control: Duplex;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  kill(): void;
}

/** The gate's process. */
export interface GateProcess extends Omit<OwnProcess, "ended"> {
  readonly ended: Promise<GateEnd>;
  /** At once, whatever it is doing: the kernel lets everybody go who waited for it. */
  kill(): void;
}
