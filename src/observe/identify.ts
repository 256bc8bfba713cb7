import type { Clock } from "#lib/clock.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { uuid7 } from "#lib/uuid7.ts";
import {
  baseNames,
  descriptorNamed,
  interpreterNamed,
  packageOf,
  packageRun,
  packageRunBy,
  runsOf,
} from "#observe/command-line.ts";
import { ContentReader } from "#observe/content.ts";
import type { Content } from "#observe/content-pass.ts";
import type { Interpreter, Runs } from "#observe/interpreters.ts";
import { waitedFor, type Files } from "#observe/files.ts";
import type { Footing } from "#observe/footing.ts";
import { Owners } from "#observe/owners/owners.ts";
import type { PackageDatabase } from "#observe/owners/package-database.ts";
import { systemDatabases } from "#observe/owners/system.ts";
import { nameOf, rawFromSeen, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { heldFile, ownPath, resolved } from "#observe/reach.ts";
import { openImage, stampAt, stampNow, type Opened, type Stamp, type Unread } from "#observe/read-file.ts";
import { candidates, runsFile, startedBy } from "#observe/script-files.ts";
import { fileSeen, nothingRead, notSigned, onlyAudit, reading, withPackage } from "#observe/seen.ts";
import type { Owner } from "#observe/at-gate.ts";
import type { Wanted } from "#policy/compile.ts";
import type { ProcessDetail } from "#platform/platform.ts";
import type { Evidence, FileSeen, ProcessSeen, Seen } from "#policy/evidence.ts";

/** One file and everything that was read of it. */
export interface Identified extends Read {
  readonly file: FileSeen;
  /** Its real path, and the last name of the path that it was found by. */
  readonly real: RawPath;
  readonly called: string;
}

/** Who opened a file to run it, and whose that file is. */
export interface Opening {
  readonly process: ProcessSeen;
  /** The interpreter or loader. */
  readonly file: FileSeen;
  readonly owner?: Owner;
}

/** "major:minor" and inode. */
export interface FileId {
  readonly dev: string;
  readonly ino: string;
}

/** What was read of one file, and how long it stays true. */
export interface Read {
  readonly seen: Seen;
  /** The interpreter that it is, by its name or by its bytes. */
  readonly interpreter: Interpreter | undefined;
  /** The state of the file that was read; undefined where it could not be. */
  readonly key: string | undefined;
  /** What its attribution rests on; undefined where its path says nothing. */
  readonly footing: Footing | undefined;
}

/** A process as evidence, and what was read of its program and of the file it runs. */
export interface Looked {
  readonly evidence: Evidence;
  readonly program: Read;
  readonly script: Identified | undefined;
}

/** Why a path was not read that leads to no file, and one that does to a file that nobody asked for. */
export const leadsNowhere = "it leads nowhere, or not to where we may look";
export const passedOver = "nobody asked for it";
const elsewhere = "its path does not lead to it here: deleted, replaced, or in another mount namespace";

/** What was found of what an interpreter runs. */
type Script = Identified | { readonly seen: Seen } | Unread;

/** Turns files and processes into evidence: which identities each kind shows, which it lacks, which could not be read. */
export class Identifier {
  /** What this machine's package managers have installed. */
  readonly databases: readonly PackageDatabase[];
  readonly content: ContentReader;
  readonly files: Files;
  readonly #owners: Owners;
  readonly #clock: Clock;
  readonly #newId: () => string;

  /** `others`: databases beside dpkg's; `files`: waited for, where left out. @throws RangeError where a marker is too short to search */
  constructor(options: {
    readonly wanted: Wanted;
    readonly dpkg: PackageDatabase;
    readonly others?: readonly PackageDatabase[];
    readonly clock: Clock;
    readonly files?: Files;
  }) {
    this.content = new ContentReader(options.wanted);
    this.databases = [options.dpkg, ...(options.others ?? systemDatabases())];
    this.#owners = new Owners(options.wanted, this.databases);
    this.#clock = options.clock;
    this.files = options.files ?? waitedFor;
    this.#newId = uuid7(options.clock);
  }

  /** Evidence with an id and the time. */
  evidence(kind: Evidence["kind"], rest: Omit<Evidence, "id" | "kind" | "at">): Evidence {
    return { id: this.#newId(), kind, at: formatInstant(this.#clock.now()), ...rest };
  }

  /** Identifies the regular file that a path leads to, links followed. `only`: whether a file in such a state is read at all. */
  async file(path: RawPath, only?: (stamp: Stamp) => boolean): Promise<Identified | Unread> {
    const real = await this.files.realPath(path);
    if (real === undefined) return { unread: leadsNowhere };
    const opened = await this.files.openRegular(real);
    if ("unread" in opened) return opened;
    try {
      if (only?.(opened.stamp) === false) return { unread: passedOver };
      const names = baseNames(toSeen(real).path, toSeen(path).path);
      const read = await this.#described(opened.stamp, await this.content.read(opened), real, names);
      return { file: fileSeen(real, opened.stamp), real, called: nameOf(path), ...read };
    } finally {
      await opened.file.close();
    }
  }

  /** Identifies a running process: its program and, where that is an interpreter, what it runs. */
  async process(detail: ProcessDetail, kind: "exec" | "process"): Promise<Evidence> {
    return (await this.look(detail, kind)).evidence;
  }

  /** The same, with what was read. */
  async look(detail: ProcessDetail, kind: "exec" | "process"): Promise<Looked> {
    const argv = detail.process.argv ?? [];
    const program = await this.#program(detail, argv);
    const { interpreter } = program;
    const { process, program: file } = detail;
    const runs = interpreter === undefined ? undefined : runsOf(interpreter, argv);
    if (interpreter === undefined || runs === undefined || runs.what === "nothing") {
      const seen = withPackage(program.seen, packageRunBy(file.path, argv));
      return { evidence: this.evidence(kind, { file, process, seen }), program, script: undefined };
    }
    const { script, by } = await this.#runs(detail, interpreter, runs);
    const evidence = this.evidence(kind, {
      file,
      process,
      ...("file" in script && { script: script.file }),
      seen: "unread" in script ? nothingRead(script.unread) : script.seen,
      interpreter: by?.seen ?? program.seen,
    });
    return { evidence, program, script: "file" in script ? script : undefined };
  }

  /** What it runs; where a loader starts an interpreter, what that runs, and `by` which. */
  async #runs(
    detail: ProcessDetail,
    interpreter: Interpreter,
    runs: Runs,
  ): Promise<{ readonly script: Script; readonly by: Identified | undefined }> {
    const script = await this.#script(detail, interpreter, runs);
    if (interpreter.loader !== true || runs.what !== "file" || !("file" in script)) return { script, by: undefined };
    const inner = interpreterNamed(script.called) ?? interpreterNamed(nameOf(script.real)) ?? script.interpreter;
    const started = startedBy(detail, runs.index);
    const within = inner === undefined ? undefined : runsOf(inner, started.process.argv ?? []);
    if (inner === undefined || inner.loader === true || within === undefined || within.what === "nothing")
      return { script, by: undefined };
    return { script: await this.#script(started, inner, within), by: script };
  }

  /** Who owns the file at a path, if it is still that file there (POLICY.md, "Paths lie"). */
  async owner(path: RawPath, { dev, ino }: FileId): Promise<Owner | undefined> {
    const stamp = await stampAt(path);
    if (stamp === undefined || stamp.dev !== dev || stamp.ino !== ino) return undefined;
    const { package: packages, extension } = await this.#owners.of(path, stamp);
    return { package: packages, extension };
  }

  /**
   * A process that has opened a file to run it: as its program argument, or by code of its own that loads it. Undefined where it
   * only reads the file, as a backup or an editor written in the same language does. The file itself is not read.
   */
  async opening(detail: ProcessDetail, path: RawPath, id: FileId): Promise<Opening | undefined> {
    const interpreter = interpreterNamed(nameOf(detail.program.path));
    if (interpreter === undefined || !detail.sameMounts || !(await runsFile(detail, interpreter, id))) return undefined;
    const owner = await this.owner(path, id);
    return { process: detail.process, file: detail.program, ...(owner !== undefined && { owner }) };
  }

  async #program(detail: ProcessDetail, argv: readonly string[]): Promise<Read> {
    const path = rawFromSeen(detail.program);
    const names = baseNames(detail.program.path, argv[0]);
    const named = interpreterNamed(nameOf(detail.program.path));
    const unread = (reason: string): Read => ({
      seen: nothingRead(reason),
      interpreter: named,
      key: undefined,
      footing: undefined,
    });
    const described = async (stamp: Stamp, content: Content): Promise<Read> => {
      if (stamp.dev !== detail.program.dev || stamp.ino !== detail.program.ino)
        return unread("it runs another program by now");
      const there = path !== undefined && detail.sameMounts ? stampNow(toBytes(path)) : undefined;
      const ours = there?.dev === stamp.dev && there.ino === stamp.ino;
      const read = await this.#described(stamp, content, ours ? path : undefined, names);
      return named === undefined ? read : { ...read, interpreter: named };
    };
    const stamp = stampNow(detail.image);
    const known = stamp === undefined ? undefined : this.content.memory.known(stamp.key);
    if (stamp !== undefined && known !== undefined) return described(stamp, known);
    const opened = await openImage(detail.image);
    if ("unread" in opened) return unread(opened.unread);
    try {
      return await described(opened.stamp, await this.content.read(opened));
    } finally {
      await opened.file.close();
    }
  }

  /** Everything about one file. Without a path, whatever a path says is unread. */
  async #described(stamp: Stamp, read: Content, path: RawPath | undefined, names: readonly string[]): Promise<Read> {
    const { interpreter: is, signer = { unread: notSigned }, packages = [], ...content } = read;
    const rest = { ...content, signer, name: reading(names), config: { unread: onlyAudit } };
    const [key, interpreter] = [stamp.key, interpreterNamed(is ?? "")];
    const unread = { unread: elsewhere };
    const { footing, ...owned } = await (path === undefined
      ? { package: unread, extension: unread, footing: undefined }
      : this.#owners.of(path, stamp));
    const where = path === undefined ? unread : { value: [toSeen(path).path] };
    const seen = { ...rest, ...owned, path: where };
    return { seen: packages.reduce(withPackage, seen), interpreter, key, footing };
  }

  /** A file in another mount namespace: its bytes speak, its path does not. */
  async #elsewhere(detail: ProcessDetail, path: RawPath): Promise<Identified | Unread> {
    const real = await resolved(detail, path);
    if (real === undefined) return { unread: elsewhere };
    const opened = await this.files.openRegular(real);
    if ("unread" in opened) return opened;
    return this.#unplaced(detail, opened, ownPath(detail, real), nameOf(path));
  }

  /** A file that a process has open and runs as its script. */
  async #held(detail: ProcessDetail, descriptor: number): Promise<Identified | Unread> {
    const held = await heldFile(detail, descriptor);
    if ("unread" in held) return held;
    const { opened, path } = held;
    const there = detail.sameMounts ? await stampAt(path) : undefined;
    if (there?.key !== opened.stamp.key) return this.#unplaced(detail, opened, path, "");
    await opened.file.close();
    return this.file(path);
  }

  /** A file whose path says nothing here: it is not remembered by it either. Closes it. */
  async #unplaced(of: ProcessDetail, opened: Opened, path: RawPath, called: string): Promise<Identified> {
    try {
      const names = baseNames(toSeen(path).path, called);
      const read = await this.#described(opened.stamp, await this.content.read(opened), undefined, names);
      return { file: fileSeen(path, opened.stamp, of.program.container), real: path, called, ...read, key: undefined };
    } finally {
      await opened.file.close();
    }
  }

  async #script(detail: ProcessDetail, interpreter: Interpreter, runs: Runs): Promise<Script> {
    const argv = detail.process.argv ?? [];
    switch (runs.what) {
      case "nothing":
        return { unread: "it runs nothing" };
      case "code": {
        const why = { unread: `code from ${runs.from}` };
        if (runs.from !== "standard input") return why;
        const found = await this.#held(detail, 0);
        return "unread" in found ? why : found;
      }
      case "package": {
        const run = packageOf(runs, argv);
        return run === undefined
          ? { unread: "a package without a name" }
          : { seen: { ...nothingRead("a package run by name"), package: { value: [run] } } };
      }
      case "file":
      case "module": {
        const held = runs.what === "file" ? descriptorNamed(detail.argvBytes[runs.index]) : undefined;
        if (held !== undefined) return this.#held(detail, held);
        for (const candidate of await candidates(detail, interpreter, runs)) {
          const found = detail.sameMounts ? await this.file(candidate) : await this.#elsewhere(detail, candidate);
          if ("unread" in found) continue;
          const from = runs.index + 1;
          const run = baseNames(toSeen(candidate).path, found.file.path)
            .map((name) => packageRun(name, argv, from))
            .find((p) => p !== undefined);
          return { ...found, seen: withPackage(found.seen, run) };
        }
        return { unread: `no file that we can read: ${argv[runs.index] ?? ""}`.slice(0, 500) };
      }
      default:
        return runs satisfies never;
    }
  }
}
