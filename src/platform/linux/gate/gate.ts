import { setImmediate as turn } from "node:timers/promises";
import type { Answer, Entry, FileId, Gate, GateDuty, GateMarks, Question } from "#platform/gate.ts";
import { goFirst } from "#platform/priority.ts";
import type { ProcessSeen } from "#policy/evidence.ts";
import { PlatformError } from "#platform/platform.ts";
import { settled } from "#platform/linux/filesystems.ts";
import { bindNoWriter } from "#platform/linux/writers.ts";
import { asker, programOf } from "#platform/linux/gate/asker.ts";
import { Beliefs } from "#platform/linux/gate/beliefs.ts";
import { ControlSocket } from "#platform/linux/gate/control.ts";
import { DeadMan } from "#platform/linux/gate/dead-man.ts";
import { openGroup, roomFor } from "#platform/linux/gate/group.ts";
import { eventBytes, parseEvents, responseOf, type GateEvent } from "#platform/linux/gate/event.ts";
import { openGateKernel, pollBits, type GateKernel, type Polled } from "#platform/linux/gate/kernel.ts";
import { Marks } from "#platform/linux/gate/marks.ts";
import { Note } from "#platform/linux/gate/note.ts";
import { openMountTable } from "#platform/linux/gate/mount-table.ts";
import { Questions } from "#platform/linux/gate/questions.ts";
import { SystemCallError } from "#platform/linux/libc.ts";

/** Milliseconds after which the kernel ends a gate that has stopped, whatever the reason. */
const patience = 700;
/** Milliseconds of work after which it shows again that it has not. */
const pulse = 50;
/** Milliseconds without any event: the runtime's own chores have their turn. */
const idle = 250;
/** Events between two such turns while there is no rest. */
const between = 512;
/** Questions begun at once: each may be a hundred kilobytes to read, and others wait for their answers meanwhile. */
const atOnce = 32;
const longestPath = 4096;

/**
 * The gate of this process. From here on the process must start no other and open no path but /proc's (fanotify(7): a group's
 * own process waits for itself otherwise). `control` is the descriptor on which the agent speaks, and the next one has the page for our note.
 */
export function openGate(control: number): Gate {
  const kernel = openGateKernel();
  guard(kernel);
  return new LinuxGate(kernel, new ControlSocket(control, kernel), new Note(control + 1));
}

/** prctl(2): no core dump, whose helper would wait for its answer from the process that dumps; and no gate without an agent. */
function guard(kernel: GateKernel): void {
  const [PR_SET_PDEATHSIG, PR_SET_DUMPABLE, SIGKILL] = [1, 4, 9];
  kernel.prctl(PR_SET_DUMPABLE, 0);
  kernel.prctl(PR_SET_PDEATHSIG, SIGKILL);
}

class LinuxGate implements Gate {
  readonly control: ControlSocket;
  readonly #kernel: GateKernel;
  readonly #note: Note;
  readonly #group: number;
  readonly #audit: boolean;
  readonly #marks: Marks;
  readonly #limit: number;
  readonly #room: number;
  readonly #buffer: Buffer;
  readonly #path = Buffer.allocUnsafeSlow(longestPath);
  readonly #questions: Questions;
  readonly #beliefs = new Beliefs();
  readonly #noWriter = bindNoWriter();
  readonly #deadMan = new DeadMan(patience);
  #liveAt = 0;
  readonly #mounts = openMountTable();
  /** Mount points, where only some are gated. */
  #only: readonly string[] | undefined;
  #finishing = false;
  #turns = 0;

  constructor(kernel: GateKernel, control: ControlSocket, note: Note) {
    this.#kernel = kernel;
    this.control = control;
    this.#note = note;
    [this.#group, this.#audit] = openGroup(kernel);
    this.#marks = new Marks(this.#group, kernel);
    this.#limit = kernel.mostDescriptors();
    this.#room = roomFor(this.#limit);
    this.#buffer = Buffer.allocUnsafeSlow(this.#room * eventBytes);
    this.#questions = new Questions({
      seats: Math.ceil(this.#room / 4),
      answer: (question, answer) => this.#answer(question, answer),
      live: () => {
        if (performance.now() - this.#liveAt > pulse) this.#live();
      },
    });
  }

  get waiting(): number {
    return this.#questions.size;
  }

  mark(only: readonly string[] | undefined, leave: readonly string[]): GateMarks {
    goFirst(); // not before: a large policy is compiled at everybody's pace
    this.#live(); // from the first mark on somebody may be waiting
    this.#only = only;
    this.#marks.leave(leave);
    if (only === undefined) this.#marks.ofMachine();
    else this.#marks.ofMounts(only);
    return this.#marks.made;
  }

  leave(devices: readonly string[]): GateMarks {
    this.#marks.leave(devices);
    this.#marks.ofMachine(this.#only);
    return this.#marks.made;
  }
  reading(device: string | undefined): void {
    this.#note.reading(device);
  }
  asker(pid: number): ProcessSeen | undefined {
    return asker(pid);
  }
  programOf(pid: number): string | undefined {
    return programOf(pid);
  }
  believes(fd: number, device: string): boolean {
    return this.#beliefs.has(fd, device);
  }
  steady(fd: number, changed: number, now: number): boolean {
    return settled(changed, now) && this.#noWriter(fd);
  }
  isOurs(device: string): boolean {
    return this.#marks.isOurs(device);
  }
  settle(fd: number): void {
    this.#marks.settle(fd);
  }
  unsettle(fd: number): void {
    this.#marks.unsettle(fd);
  }
  unsettleAll(): void {
    this.#marks.unsettleAll();
  }
  markProcess(pid: number, device: string): void {
    this.#marks.ofProcess(pid, device);
  }
  addEntries(entries: readonly Entry[]): void {
    this.#marks.addEntries(entries);
  }
  idAt(path: Uint8Array): FileId | undefined {
    return this.#marks.idAt(path);
  }

  wake(fd: number): void {
    this.#questions.wake(fd);
  }

  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#marks.clear();
  }

  async serve(duty: GateDuty): Promise<void> {
    try {
      await this.#serve(duty);
    } finally {
      this.#kernel.close(this.#group); // whoever still waits goes on (fanotify(7))
    }
  }

  async #serve(duty: GateDuty): Promise<void> {
    for (;;) {
      this.#live();
      const asked = this.#wait(duty);
      this.#questions.work(duty);
      this.#questions.expire(duty);
      if (this.#finishing && asked === 0 && this.#questions.size === 0) break;
      this.#turns += asked + 1;
      if (this.#turns < between && asked > 0) continue;
      this.#turns = 0;
      await turn();
    }
  }

  #live(): void {
    this.#deadMan.hold();
    this.#liveAt = performance.now();
  }

  /** Waits for something to do, and begins it. How many questions were new. */
  #wait(duty: GateDuty): number {
    const { in: readable, pri, error, hangUp } = pollBits;
    const full = this.#questions.size >= this.#room;
    const fds: Polled[] = [
      { fd: this.control.over ? -1 : this.control.fd, events: this.control.full ? readable | 4 : readable }, // POLLOUT
      { fd: full ? -1 : this.#group, events: readable },
      { fd: this.#mounts, events: pri },
    ];
    const [control = 0, group = 0, mounts = 0] = this.#kernel.poll(fds, this.#timeout());
    if (control !== 0) this.#hear(duty, (control & (readable | error | hangUp)) !== 0);
    if ((mounts & (pri | error)) !== 0 && !this.#finishing) this.#remark(duty);
    return group === 0 ? 0 : this.#ask(duty);
  }

  /** Something was mounted or unmounted. */
  #remark(duty: GateDuty): void {
    const before = JSON.stringify(this.#marks.made);
    this.#beliefs.forget();
    this.#marks.ofMachine(this.#only);
    if (JSON.stringify(this.#marks.made) !== before) duty.marked(this.#marks.made);
  }

  #timeout(): number {
    const most = !this.#finishing ? idle : this.#questions.size === 0 ? 0 : 10;
    return Math.min(most, this.#questions.rest());
  }

  #hear(duty: GateDuty, readable: boolean): void {
    this.control.flush();
    if (readable) for (const line of this.control.lines()) duty.hear(line);
    if (this.control.over) this.finish(); // without its agent nobody would mend it
  }

  #ask(duty: GateDuty): number {
    const events = this.#events();
    for (const event of events) {
      if (event.what === "overflow") duty.overflowed();
      else this.#begin(event, duty);
    }
    return events.length;
  }

  #events(): readonly GateEvent[] {
    // Somebody has lowered it: for want of descriptors the kernel would deny what nobody was asked about.
    if (this.#kernel.mostDescriptors() < this.#limit)
      throw new PlatformError("limit", "there are fewer descriptors now");
    const free = Math.min(atOnce, this.#room - this.#questions.size) * eventBytes;
    try {
      const length = this.#kernel.read(this.#group, this.#buffer.subarray(0, free));
      return length === undefined ? [] : parseEvents(this.#buffer.subarray(0, length));
    } catch (error) {
      // The kernel could not open one event's file, and has denied it by itself (ESTALE): the others must go on.
      if (error instanceof SystemCallError && error.errno !== "EMFILE") return [];
      throw error;
    }
  }

  #begin({ what, fd, pid }: Exclude<GateEvent, { what: "overflow" }>, duty: GateDuty): void {
    const path = Buffer.from(this.#path.subarray(0, this.#pathLength(fd)));
    this.#questions.begin({ what, fd, pid, path, since: performance.now() }, duty);
  }

  #pathLength(fd: number): number {
    try {
      return this.#kernel.pathOf(fd, this.#path);
    } catch (error) {
      if (error instanceof SystemCallError) return 0; // ENAMETOOLONG: content speaks for itself
      throw error;
    }
  }

  #answer({ fd }: Question, answer: Answer): void {
    try {
      this.#kernel.respond(this.#group, responseOf(fd, answer, this.#audit)); // where it throws, somebody waits whom this process cannot answer
    } finally {
      this.#kernel.close(fd);
    }
  }
}
