import { realpathSync, statSync } from "node:fs";
import { descriptorNamed, isRunner, packageRun, packageRunBy, runsOf } from "#observe/command-line.ts";
import type { Footing } from "#observe/footing.ts";
import type { Looked } from "#observe/identify.ts";
import type { Interpreter } from "#observe/interpreters.ts";
import { Lru } from "#observe/lru.ts";
import { against, nameOf, rawFromBytes, toBytes, toSeen, type RawPath } from "#observe/raw-path.ts";
import { stampOf } from "#observe/read-file.ts";
import type { ExecSeen } from "#platform/platform.ts";
import type { Seen } from "#policy/evidence.ts";

/** Programs and scripts that are remembered, one or two kilobytes each: a large build has some hundreds. */
const remembered = 2_000;
/** Milliseconds in which what root's own program rests on, which only root can change, is not looked at again. */
const rootIsSlow = 1_000;

interface Known {
  /** Whether any identity of the policy in force is shown by it. */
  readonly matters: boolean;
  readonly interpreter: Interpreter | undefined;
  /** Undefined where its attribution was not read, or could not be. */
  readonly footing: Footing | undefined;
}

/**
 * `settled`: nothing that the policy asks for is shown by it, as often as it is started; `keep` its arguments where another
 * policy may ask for the script that they name. `look`: it must be looked at.
 * `unknown`: likewise, and the answer may then hold for all that have the same key.
 */
export type Answer =
  | { readonly what: "settled"; readonly keep: boolean }
  | { readonly what: "look" }
  | { readonly what: "unknown"; readonly key: string };

const settled: Answer = { what: "settled", keep: false };
const settledScript: Answer = { what: "settled", keep: true };
const look: Answer = { what: "look" };

/**
 * Remembers programs and scripts in which the policy in force has no interest, by what their files and their names are, so
 * that one more start of them costs a map look-up. Knows no bans: whether something matters is asked once for each.
 */
export class Settled {
  readonly #matters: (seen: Seen) => boolean;
  readonly #known = new Lru<string, Known>(remembered);
  /** By glimpse: programs that are settled whatever else is read of a start. */
  readonly #plain = new Map<string, { readonly known: Known; until: number }>();

  /** `matters`: whether what was read of a file shows any identity that the policy asks for. */
  constructor(matters: (seen: Seen) => boolean) {
    this.#matters = matters;
  }

  /** Whether a start that looks like this (`ExecSeen.glimpse`) is settled. */
  knows(glimpse: string): boolean {
    const plain = this.#plain.get(glimpse);
    if (plain === undefined) return false;
    const now = performance.now();
    if (now < plain.until) return true;
    plain.until = now + rootIsSlow;
    return holds(plain.known) || !this.#plain.delete(glimpse);
  }

  /** What is known of a program that begins. `folderOf` is asked only for a script with a relative path. */
  ask(seen: ExecSeen, folderOf: () => Uint8Array | undefined): Answer {
    if (seen.path.includes("\u{FFFD}")) return look; // its bytes are not UTF-8: another path may read the same
    const key = programKey(seen);
    const known = this.#known.get(key);
    if (known === undefined) return { what: "unknown", key };
    if (!holds(known)) return look;
    const { interpreter } = known;
    const name = nameOf(seen.path);
    if (interpreter === undefined && !mayRunPackages(name, seen)) return this.#plainly(seen, known);
    const argv = textOf(seen.argvBytes);
    const runs = interpreter === undefined ? undefined : runsOf(interpreter, argv);
    switch (runs?.what) {
      case undefined:
      case "nothing":
        return packageRunBy(seen.path, argv) === undefined ? settled : look;
      case "code":
        // A shell in a pipeline reads its standard input all the time; nobody ships a tool for that.
        if (runs.from === "standard input") return interpreter?.shell === true ? settled : look;
        return argv[1] === "-c" ? this.#plainly(seen, known) : settled;
      case "file":
        return interpreter?.loader === true ? look : this.#script(seen, argv, runs.index, folderOf);
      case "module":
      case "package":
        return look;
    }
  }

  /** What was read of a program that was asked for: `answer` says whether the next one is settled. */
  learn(seen: ExecSeen, { evidence, program, script }: Looked): void {
    // What was read must be what began, in a place that is what it seems.
    if (program.key !== seen.stamp || evidence.file?.path !== seen.path) return;
    if (seen.sameMounts && program.footing === undefined) return;
    const { interpreter, footing } = program;
    this.#known.set(programKey(seen), { matters: this.#matters(program.seen), interpreter, footing });
    if (script?.key === undefined) return;
    const matters = this.#matters(script.seen);
    const key = scriptKey(script.key, script.called, script.real);
    this.#known.set(key, { matters, interpreter: undefined, footing: script.footing });
  }

  /** Settled by all that a glimpse shows: what else it is told, and the text of code after `-c`, change nothing. */
  #plainly(seen: ExecSeen, known: Known): Answer {
    const glimpse = seen.glimpse?.();
    if (glimpse === undefined) return settled;
    if (this.#plain.size >= remembered) this.#plain.clear();
    this.#plain.set(glimpse, { known, until: performance.now() + rootIsSlow });
    return settled;
  }

  #script(seen: ExecSeen, argv: readonly string[], index: number, folderOf: () => Uint8Array | undefined): Answer {
    const given = seen.argvBytes[index];
    if (!seen.sameMounts || descriptorNamed(given) !== undefined) return look; // its path says nothing here
    const path = given === undefined ? undefined : pathOf(given, folderOf);
    const file = path === undefined ? undefined : fileAt(path);
    if (path === undefined || file === undefined) return look;
    const key = scriptKey(file.key, nameOf(path), file.real);
    const known = this.#known.get(key);
    if (known === undefined) return { what: "unknown", key };
    if (!holds(known)) return look;
    const from = index + 1;
    const names = [toSeen(path).path, toSeen(file.real).path].map(nameOf);
    return names.some((name) => packageRun(name, argv, from) !== undefined) ? look : settledScript;
  }
}

function holds({ matters, footing }: Known): boolean {
  return !matters && footing?.holds() !== false;
}

/** All that its reading depends on: the file's state, where it lies, what it is called, and whether its path means anything here. */
function programKey({ stamp, path, argvBytes, sameMounts }: ExecSeen): string {
  const called = nameOf(Buffer.from(argvBytes[0] ?? []).toString("latin1"));
  return `${sameMounts ? "here" : "elsewhere"} ${stamp} ${called}\0${path}`;
}

function scriptKey(key: string, called: string, real: RawPath): string {
  return `script ${key} ${called}\0${real}`;
}

function mayRunPackages(name: string, { argvBytes }: ExecSeen): boolean {
  return isRunner(name) || isRunner(nameOf(Buffer.from(argvBytes[0] ?? []).toString("latin1")));
}

function textOf(argvBytes: readonly Uint8Array[]): readonly string[] {
  return argvBytes.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
}

function pathOf(given: Uint8Array, folderOf: () => Uint8Array | undefined): RawPath | undefined {
  if (given[0] === slash) return against(undefined, given);
  const folder = folderOf();
  return folder === undefined ? undefined : against(rawFromBytes(folder), given);
}
const slash = 0x2f;

/** The regular file that a path leads to, links followed, and its state. */
function fileAt(path: RawPath): { readonly real: RawPath; readonly key: string } | undefined {
  try {
    const bytes = realpathSync.native(toBytes(path), "buffer");
    const stat = statSync(bytes, { bigint: true });
    const real = rawFromBytes(bytes);
    return stat.isFile() && real !== undefined ? { real, key: stampOf(stat).key } : undefined;
  } catch {
    return undefined;
  }
}
