import type { Clock } from "#lib/clock.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { uuid7 } from "#lib/uuid7.ts";
import { baseNames, interpreterNamed, packageOf, packageRun, runsOf } from "#observe/command-line.ts";
import { ContentReader } from "#observe/content.ts";
import type { Interpreter, Runs } from "#observe/interpreters.ts";
import type { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { npmOwner } from "#observe/owners/npm.ts";
import { pythonOwner, sitesOf } from "#observe/owners/python.ts";
import { extensionOwner } from "#observe/owners/vscode.ts";
import { against, below, nameOf, parentOf, rawFromSeen, rawFromText, toSeen, type RawPath } from "#observe/raw-path.ts";
import { openImage, openRegular, realPath, stampAt, type Opened, type Stamp, type Unread } from "#observe/read-file.ts";
import { fileSeen, nothingRead, notSigned, onlyAudit, reading } from "#observe/seen.ts";
import type { Owner } from "#observe/at-gate.ts";
import type { Wanted } from "#policy/compile.ts";
import type { ProcessDetail } from "#platform/platform.ts";
import type { Evidence, FileSeen, PackageSeen, Seen } from "#policy/evidence.ts";

/** One file and everything that was read of it. */
export interface Identified {
  readonly file: FileSeen;
  readonly seen: Seen;
}

/** "major:minor" and inode. */
export interface FileId {
  readonly dev: string;
  readonly ino: string;
}

interface Read {
  readonly seen: Seen;
  /** The interpreter that its bytes say it is. */
  readonly interpreter: string | undefined;
}

const elsewhere = "its path does not lead to it here: deleted, replaced, or in another mount namespace";

/** Turns files and processes into evidence: which identities each kind shows, which it lacks, which could not be read. */
export class Identifier {
  readonly #content: ContentReader;
  readonly #dpkg: DpkgDatabase;
  readonly #clock: Clock;
  readonly #newId: () => string;

  /** @throws RangeError where a wanted marker is too short to be searched */
  constructor(options: { readonly wanted: Wanted; readonly dpkg: DpkgDatabase; readonly clock: Clock }) {
    this.#content = new ContentReader(options.wanted);
    this.#dpkg = options.dpkg;
    this.#clock = options.clock;
    this.#newId = uuid7(options.clock);
  }

  /** Evidence with an id and the time. */
  evidence(kind: Evidence["kind"], rest: Omit<Evidence, "id" | "kind" | "at">): Evidence {
    return { id: this.#newId(), kind, at: formatInstant(this.#clock.now()), ...rest };
  }

  /** Identifies the regular file that a path leads to, links followed. `called`: other names it was called by. */
  async file(path: RawPath, called: readonly string[] = []): Promise<Identified | Unread> {
    const real = await realPath(path);
    if (real === undefined) return { unread: "it leads nowhere, or not to where we may look" };
    const opened = await openRegular(real);
    if ("unread" in opened) return opened;
    try {
      const names = baseNames(toSeen(real).path, toSeen(path).path, ...called);
      return { file: fileSeen(real, opened.stamp), seen: (await this.#read(opened, real, names)).seen };
    } finally {
      await opened.file.close();
    }
  }

  /** Identifies a running process: its program and, where that is an interpreter, what it runs. */
  async process(detail: ProcessDetail, kind: "exec" | "process"): Promise<Evidence> {
    const argv = detail.process.argv ?? [];
    const { seen: program, interpreter: is } = await this.#program(detail, argv);
    const { process, program: file } = detail;
    const interpreter = interpreterNamed(nameOf(file.path)) ?? interpreterNamed(is ?? "");
    const runs = interpreter === undefined ? undefined : runsOf(interpreter, argv);
    if (interpreter === undefined || runs === undefined || runs.what === "nothing") {
      const run = packageRun(nameOf(argv[0] ?? file.path), argv, 1) ?? packageRun(nameOf(file.path), argv, 1);
      return this.evidence(kind, { file, process, seen: withPackage(program, run) });
    }
    const script = await this.#script(detail, interpreter, runs);
    return this.evidence(kind, {
      file,
      process,
      ...("file" in script && { script: script.file }),
      seen: "unread" in script ? nothingRead(script.unread) : script.seen,
      interpreter: program,
    });
  }

  /** Who owns the file at a path, if it is still that file there (POLICY.md, "Paths lie"). */
  async owner(path: RawPath, { dev, ino }: FileId): Promise<Owner | undefined> {
    const stamp = await stampAt(path);
    if (stamp === undefined || stamp.dev !== dev || stamp.ino !== ino) return undefined;
    return {
      package: reading(await this.#packages(path, stamp)),
      extension: reading([await extensionOwner(path, stamp)]),
    };
  }

  /**
   * Evidence of a process that has opened a file to run it: its program argument, or code of its own that loads it. Undefined
   * where it only reads the file, as a backup or an editor written in the same language does.
   */
  async opening(detail: ProcessDetail, path: RawPath, id: FileId): Promise<Evidence | undefined> {
    const evidence = await this.process(detail, "exec");
    const { script } = evidence;
    if (script !== undefined) return script.dev === id.dev && script.ino === id.ino ? evidence : undefined;
    const argv = detail.process.argv ?? [];
    const interpreter = interpreterNamed(nameOf(detail.program.path));
    if (interpreter === undefined || interpreter.shell === true) return undefined; // a shell reads what it redirects
    if (runsOf(interpreter, argv).what !== "code" || !detail.sameMounts) return undefined;
    const found = await this.file(path);
    if ("unread" in found || found.file.dev !== id.dev || found.file.ino !== id.ino) return undefined;
    return { ...evidence, script: found.file, seen: found.seen };
  }

  async #program(detail: ProcessDetail, argv: readonly string[]): Promise<Read> {
    const path = rawFromSeen(detail.program);
    const opened = await openImage(detail.image);
    if ("unread" in opened) return { seen: nothingRead(opened.unread), interpreter: undefined };
    try {
      const { stamp } = opened;
      if (stamp.dev !== detail.program.dev || stamp.ino !== detail.program.ino)
        return { seen: nothingRead("it runs another program by now"), interpreter: undefined };
      const there = path !== undefined && detail.sameMounts ? await stampAt(path) : undefined;
      const ours = there?.dev === stamp.dev && there.ino === stamp.ino;
      return await this.#read(opened, ours ? path : undefined, baseNames(detail.program.path, argv[0]));
    } finally {
      await opened.file.close();
    }
  }

  /** Everything about one open file. Without a path, whatever a path says is unread. */
  async #read(opened: Opened, path: RawPath | undefined, names: readonly string[]): Promise<Read> {
    const { interpreter, ...content } = await this.#content.read(opened);
    const name = reading(names);
    const rest = { ...content, name, signer: { unread: notSigned }, config: { unread: onlyAudit } };
    if (path === undefined) {
      const unread = { unread: elsewhere };
      return { seen: { ...rest, package: unread, extension: unread, path: unread }, interpreter };
    }
    const { stamp } = opened;
    const seen = {
      ...rest,
      package: reading(await this.#packages(path, stamp)),
      extension: reading([await extensionOwner(path, stamp)]),
      path: { value: [toSeen(path).path] },
    };
    return { seen, interpreter };
  }

  async #packages(path: RawPath, stamp: Stamp): Promise<readonly PackageSeen[]> {
    const owners = [await npmOwner(path, stamp), await pythonOwner(path, stamp), await this.#dpkg.owner(path)];
    return owners.filter((owner) => owner !== undefined);
  }

  async #script(
    detail: ProcessDetail,
    interpreter: Interpreter,
    runs: Runs,
  ): Promise<Identified | { readonly seen: Seen } | Unread> {
    const argv = detail.process.argv ?? [];
    switch (runs.what) {
      case "nothing":
        return { unread: "it runs nothing" };
      case "code":
        return { unread: `code from ${runs.from}` };
      case "package": {
        const run = packageOf(runs, argv);
        return run === undefined
          ? { unread: "a package without a name" }
          : { seen: { ...nothingRead("a package run by name"), package: { value: [run] } } };
      }
      case "file":
      case "module": {
        if (!detail.sameMounts) return { unread: elsewhere };
        const candidates =
          runs.what === "file" ? scriptFiles(detail, runs.index, interpreter) : await moduleFiles(detail, runs);
        for (const candidate of candidates) {
          const found = await this.file(candidate);
          if ("unread" in found) continue;
          const from = runs.index + 1;
          const run = baseNames(toSeen(candidate).path, found.file.path)
            .map((name) => packageRun(name, argv, from))
            .find((p) => p !== undefined);
          return { file: found.file, seen: withPackage(found.seen, run) };
        }
        return { unread: `no file that we can read: ${argv[runs.index] ?? ""}`.slice(0, 500) };
      }
      default:
        return runs satisfies never;
    }
  }
}

function withPackage(seen: Seen, run: PackageSeen | undefined): Seen {
  if (run === undefined) return seen;
  return { ...seen, package: { value: ["value" in seen.package ? seen.package.value : [], run].flat() } };
}

/** What the program argument can mean: the file itself, or what node and python make of it. */
function scriptFiles(detail: ProcessDetail, index: number, interpreter: Interpreter): readonly RawPath[] {
  const given = detail.argvBytes[index];
  const path = given === undefined ? undefined : against(folderOf(detail), given);
  if (path === undefined) return [];
  if (interpreter.names.includes("python")) return [path, below(path, "__main__.py")];
  const js = below(parentOf(path), `${nameOf(path)}.js`);
  return [path, js, below(path, "package.json"), below(path, "index.js")];
}

function folderOf(detail: ProcessDetail): RawPath | undefined {
  return detail.process.cwd === undefined ? undefined : rawFromText(detail.process.cwd);
}

/** Where `python -m name` can find a module: the folder it runs in, and the environment that its own path names. */
async function moduleFiles(
  detail: ProcessDetail,
  runs: Extract<Runs, { what: "module" }>,
): Promise<readonly RawPath[]> {
  const argv = detail.process.argv ?? [];
  const name = (argv[runs.index] ?? "").slice(runs.skip);
  if (!/^[A-Za-z_][\w.]*$/.test(name)) return [];
  const path = name.replaceAll(".", "/");
  const called = detail.argvBytes[0];
  const programs = [
    called?.includes(47) === true ? against(folderOf(detail), called) : undefined,
    rawFromSeen(detail.program),
  ];
  const roots = programs.filter((p) => p !== undefined).map((p) => parentOf(parentOf(p)));
  const sites = await Promise.all([...new Set(roots)].map(sitesOf));
  return [folderOf(detail), ...sites.flat()]
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => [`${path}/__main__.py`, `${path}.py`].map((file) => below(folder, file)));
}
