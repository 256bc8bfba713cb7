import type { Socket } from "node:net";
import type { Capabilities } from "#platform/capabilities.ts";
import type {
  ExecBatch,
  ExecStream,
  GraphicalSession,
  Held,
  Helper,
  InstallRoot,
  Person,
  Platform,
  ProcessDetail,
  ProcessRow,
  Quarantined,
  Signal,
  TreeProcess,
  VitalFile,
} from "#platform/platform.ts";
import type { FileSeen, ProcessSeen } from "#policy/evidence.ts";
import type { ProcessId } from "#policy/outcome.ts";

/** A process of the fake machine. What is left out is ordinary. */
export interface FakeProcess {
  readonly pid: number;
  readonly ppid?: number;
  readonly uid?: number;
  readonly user?: string;
  readonly session?: number;
  readonly start?: number;
  readonly tty?: string | null;
  readonly path?: string;
  readonly dev?: string;
  readonly ino?: string;
  readonly argv?: readonly string[];
  readonly startedAt?: string;
  /** It does not hear SIGTERM. */
  readonly deaf?: boolean;
  /** What it does with a signal; "ignored" where it does not die of it. */
  readonly on?: (signal: Signal, world: FakePlatform) => "ignored" | void;
}

const up = { up: true } as const;
export const everything: Capabilities = {
  seeEveryone: up,
  stop: up,
  quarantine: up,
  terminal: up,
  session: up,
  gate: up,
  stream: up,
};

/** A machine in memory that stands at the real seam and can be looked into: fill its fields, read what was done to it. */
export class FakePlatform implements Platform {
  readonly os = "linux";
  capabilities: Capabilities = everything;
  readonly running = new Map<number, FakeProcess>();
  readonly stopped = new Set<number>();
  /** "TERM 7", in the order they were sent. */
  readonly signals: string[] = [];
  readonly terminal: { readonly tty: string; readonly text: string }[] = [];
  readonly quarantined: FileSeen[] = [];
  readonly helpers: FakeHelper[] = [];
  readonly vitalPaths = new Set<string>();
  everyone: readonly Person[] = [];
  logins: readonly GraphicalSession[] = [];
  roots: readonly InstallRoot[] = [];
  language: string | undefined;
  readonly watchdog = undefined;
  /** Whoever listens to the exec stream: call it to tell of execs. */
  tell: ((batch: ExecBatch) => void) | undefined;
  /** Why the exec stream has ended by itself. */
  brokenStream: string | undefined;
  /** Processes whose arguments at exec are kept. */
  readonly kept: number[] = [];

  add(...processes: readonly FakeProcess[]): this {
    for (const p of processes) this.running.set(p.pid, p);
    return this;
  }

  end(pid: number): void {
    this.running.delete(pid);
    this.stopped.delete(pid);
    for (const p of this.running.values()) if (p.ppid === pid) this.running.set(p.pid, { ...p, ppid: 1 });
  }

  idOf(pid: number): ProcessId {
    const p = this.running.get(pid);
    if (p === undefined) throw new Error(`no process ${pid}`);
    return idOf(p);
  }

  processes(): Promise<readonly ProcessRow[]> {
    return Promise.resolve(
      [...this.running.values()].map((p) => ({
        pid: p.pid,
        ppid: p.ppid ?? 1,
        uid: p.uid ?? 1000,
        name: pathOf(p).split("/").at(-1) ?? "",
        path: pathOf(p),
        cmd: (p.argv ?? [pathOf(p)]).join(" "),
        started: p.startedAt,
      })),
    );
  }

  inspect(pid: number): Promise<ProcessDetail | undefined> {
    const p = this.running.get(pid);
    if (p === undefined) return Promise.resolve(undefined);
    const { dev, ino, start } = idOf(p);
    const argv = p.argv ?? [pathOf(p)];
    const process: ProcessSeen = {
      pid,
      start,
      ppid: p.ppid ?? 1,
      session: p.session ?? 1,
      uid: p.uid ?? 1000,
      user: p.user ?? "ann",
      tty: p.tty ?? null,
      argv: [...argv],
      ...(p.startedAt !== undefined && { startedAt: p.startedAt }),
    };
    return Promise.resolve({
      process,
      program: { path: pathOf(p), dev, ino },
      image: `/proc/${pid}/exe`,
      argvBytes: argv.map((a) => Buffer.from(a)),
      ways: { root: "/nowhere", cwd: "/nowhere", descriptors: "/nowhere" },
      sameMounts: true,
    });
  }

  boot(): undefined {}

  execs(told: (batch: ExecBatch) => void): ExecStream | undefined {
    if (!this.capabilities.stream.up) return undefined;
    this.tell = told;
    const broken = (): string | undefined => this.brokenStream;
    return {
      get broken() {
        return broken();
      },
      folderOf: () => undefined,
      keepArguments: ({ pid }) => void this.kept.push(pid),
      close: () => (this.tell = undefined),
    };
  }

  tree(pid: number): Promise<readonly TreeProcess[]> {
    const found: TreeProcess[] = [];
    const from = (parent: number): void => {
      for (const p of this.running.values()) {
        if ((p.ppid ?? 1) !== parent) continue;
        found.push({ id: idOf(p), ppid: parent, uid: p.uid ?? 1000, session: p.session ?? 1 });
        from(p.pid);
      }
    };
    from(pid);
    return Promise.resolve(found);
  }

  hold(id: ProcessId): Held | undefined {
    const same = (): boolean => {
      const p = this.running.get(id.pid);
      return p !== undefined && key(idOf(p)) === key(id);
    };
    if (!same()) return undefined;
    return {
      id,
      signal: (signal) => {
        const p = this.running.get(id.pid);
        if (p === undefined) return "gone";
        if (!same()) return "changed";
        this.signals.push(`${signal} ${id.pid}`);
        this.#take(p, signal);
        return "sent";
      },
      hearsTerm: () => this.running.get(id.pid)?.deaf !== true,
      ended: () => Promise.resolve(!this.running.has(id.pid) || this.running.get(id.pid)?.start !== id.start),
      close: () => undefined,
    };
  }

  people(): Promise<readonly Person[]> {
    return Promise.resolve(this.everyone);
  }
  nameOf(uid: number): Promise<string | undefined> {
    return Promise.resolve(this.everyone.find((person) => person.uid === uid)?.name);
  }
  sessions(): Promise<readonly GraphicalSession[]> {
    return Promise.resolve(this.logins);
  }
  installRoots(): readonly InstallRoot[] {
    return this.roots;
  }
  vital(): Promise<readonly VitalFile[]> {
    return Promise.resolve([]);
  }
  isVital(file: FileSeen): boolean {
    return this.vitalPaths.has(file.path);
  }
  writeTerminal(process: ProcessSeen, text: string): "written" | { readonly not: string } {
    if (process.tty === null || process.tty === undefined) return { not: "it has no terminal" };
    this.terminal.push({ tty: process.tty, text });
    return "written";
  }
  keepTerminal(): void {}
  terminalLanguage(): string | undefined {
    return this.language;
  }
  quarantine(file: FileSeen): Promise<Quarantined> {
    this.quarantined.push(file);
    return Promise.resolve({
      id: `q${this.quarantined.length}`,
      from: file.path,
      at: "2026-07-10T00:00:00Z",
      owner: 1000,
      bytes: 1,
    });
  }
  restore(id: string): Promise<Quarantined> {
    return Promise.resolve({ id, from: "/somewhere", at: "2026-07-10T00:00:00Z", owner: 1000, bytes: 1 });
  }
  inQuarantine(): Promise<readonly Quarantined[]> {
    return Promise.resolve([]);
  }
  runInTerminal(): never {
    throw new Error("the fake machine has no terminals to run in");
  }

  startSession(session: GraphicalSession): FakeHelper {
    const helper = new FakeHelper(session);
    this.helpers.push(helper);
    return helper;
  }
  peerUid(_socket: Socket): number | undefined {
    return undefined;
  }
  service(): void {}

  #take(p: FakeProcess, signal: Signal): void {
    const ignored = p.on?.(signal, this) === "ignored";
    if (signal === "STOP") this.stopped.add(p.pid);
    if (signal === "CONT") this.stopped.delete(p.pid);
    if (signal === "KILL" || (signal === "TERM" && !ignored)) this.end(p.pid);
  }
}

/** A session process that a test plays: read `sent`, call `say` and `die`. */
export class FakeHelper implements Helper {
  readonly session: GraphicalSession;
  readonly sent: string[] = [];
  readonly ended: Promise<void>;
  onSend: (line: string) => void = () => undefined;
  readonly #said: string[] = [];
  #end: () => void = () => undefined;
  #wake: () => void = () => undefined;
  #over = false;

  constructor(session: GraphicalSession) {
    this.session = session;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }
  send(line: string): void {
    this.sent.push(line);
    this.onSend(line);
  }
  say(message: object): void {
    this.#said.push(JSON.stringify(message));
    this.#wake();
  }
  die(): void {
    this.#over = true;
    this.#wake();
    this.#end();
  }
  stop(): void {
    this.die();
  }
  async *lines(): AsyncIterable<string> {
    for (;;) {
      const line = this.#said.shift();
      if (line !== undefined) yield line;
      else if (this.#over) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const pathOf = (p: FakeProcess): string => p.path ?? `/usr/bin/program${p.pid}`;
const idOf = (p: FakeProcess): ProcessId => ({
  pid: p.pid,
  start: p.start ?? p.pid * 100,
  dev: p.dev ?? "8:1",
  ino: p.ino ?? String(p.pid),
});
const key = (id: ProcessId): string => `${id.pid}:${id.start}:${id.dev}:${id.ino}`;
