import { nameOf } from "#observe/raw-path.ts";
import { interpreters, runners, type Interpreter, type Runs } from "#observe/interpreters.ts";
import { normalName } from "#observe/readers/dist-info.ts";
import type { PackageSeen } from "#policy/evidence.ts";

/** The interpreter that a program's file name stands for: "python3.11" → python. */
export function interpreterNamed(name: string): Interpreter | undefined {
  return interpreters.find((interpreter) =>
    interpreter.names.some((known) => name.startsWith(known) && /^[\d.]*t?$/.test(name.slice(known.length))),
  );
}

/** What an interpreter's command line tells it to run. `argv` with the program's own name in front. Total and pure. */
export function runsOf(interpreter: Interpreter, argv: readonly string[]): Runs {
  let commands = interpreter.commands;
  let i = 1;
  while (i < argv.length) {
    const argument = argv[i] ?? "";
    if (argument === "-") return { what: "code", from: "standard input" };
    if (argument === "--") return fileAt(argv, i + 1, interpreter);
    if (argument.startsWith("-") || interpreter.valued.includes(argument)) {
      const step = option(interpreter, argv, i);
      if (typeof step !== "number") return step;
      i += step;
      continue;
    }
    const command = commands !== undefined && Object.hasOwn(commands, argument) ? commands[argument] : undefined;
    commands = undefined; // only the first word can be one
    switch (command) {
      case undefined:
        return fileAt(argv, i, interpreter);
      case "file":
        i += 1;
        break;
      case "npm":
        return packageArgument(argv, i + 1, "npm", [], []) ?? { what: "nothing" };
      case "code":
        return { what: "code", from: "an argument" };
      case "nothing":
        return { what: "nothing" };
      default:
        return command satisfies never;
    }
  }
  return interpreter.stdin ? { what: "code", from: "standard input" } : { what: "nothing" };
}

/** The number of the open file that a program argument stands for: "/dev/fd/3", "/dev/stdin" (proc_pid_fd(5)). */
export function descriptorNamed(argument: Uint8Array | undefined): number | undefined {
  const text = Buffer.from(argument ?? []).toString("latin1");
  if (text === "/dev/stdin") return 0;
  const [, number] = /^\/(?:dev|proc\/(?:self|thread-self))\/fd\/(\d{1,7})$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}

function fileAt(argv: readonly string[], index: number, interpreter: Interpreter): Runs {
  const argument = argv[index];
  if (argument === undefined) return { what: "nothing" };
  if (interpreter.npmPrefix !== undefined && argument.startsWith(interpreter.npmPrefix))
    return { what: "package", ecosystem: "npm", index, skip: interpreter.npmPrefix.length };
  return { what: "file", index };
}

/** How many arguments an option takes up, or what it makes the interpreter run. */
function option(interpreter: Interpreter, argv: readonly string[], i: number): Runs | number {
  const argument = argv[i] ?? "";
  if (interpreter.code.includes(argument)) return { what: "code", from: "an argument" };
  if (interpreter.nothing?.includes(argument) === true) return { what: "nothing" };
  if (interpreter.module?.includes(argument) === true)
    return i + 1 < argv.length ? { what: "module", index: i + 1, skip: 0 } : { what: "nothing" };
  if (interpreter.file?.includes(argument) === true)
    return i + 1 < argv.length ? { what: "file", index: i + 1 } : { what: "nothing" };
  if (interpreter.valued.includes(argument)) return 2;
  if (interpreter.clusters !== true || argument.startsWith("--")) return 1;
  for (let at = 1; at < argument.length; at += 1) {
    const letter = `-${argument[at] ?? ""}`;
    const last = at === argument.length - 1;
    if (interpreter.code.includes(letter)) return { what: "code", from: "an argument" };
    if (interpreter.module?.includes(letter) === true) {
      if (!last) return { what: "module", index: i, skip: at + 1 };
      return i + 1 < argv.length ? { what: "module", index: i + 1, skip: 0 } : { what: "nothing" };
    }
    if (interpreter.valued.includes(letter)) return last ? 2 : 1;
  }
  return 1;
}

/** The package named on a runner's command line, options skipped. */
function packageArgument(
  argv: readonly string[],
  from: number,
  ecosystem: "npm" | "pypi",
  valued: readonly string[],
  named: readonly string[],
): Extract<Runs, { what: "package" }> | undefined {
  for (let i = from; i < argv.length; i += 1) {
    const argument = argv[i] ?? "";
    if (argument === "--") continue;
    const spelled = named.find((long) => argument.startsWith(`${long}=`));
    if (spelled !== undefined) return { what: "package", ecosystem, index: i, skip: spelled.length + 1 };
    if (named.includes(argument))
      return i + 1 < argv.length ? { what: "package", ecosystem, index: i + 1, skip: 0 } : undefined;
    if (valued.includes(argument)) i += 1;
    else if (!argument.startsWith("-")) return { what: "package", ecosystem, index: i, skip: 0 };
  }
  return undefined;
}

/**
 * The package that `npx`, `bunx`, `uvx`, `pipx run` and their like fetch and run. `name` is the runner's file name, its
 * arguments begin at `from`.
 */
export function packageRun(name: string, argv: readonly string[], from: number): PackageSeen | undefined {
  for (const runner of runners) {
    if (!runner.names.includes(name) || !runner.words.every((word, i) => argv[from + i] === word)) continue;
    const start = from + runner.words.length;
    const runs = packageArgument(argv, start, runner.ecosystem, runner.valued, runner.packageOptions);
    if (runs !== undefined) return packageOf(runs, argv);
  }
  return undefined;
}

const runnerNames: ReadonlySet<string> = new Set(runners.flatMap(({ names }) => names));

/** Whether a program of this name fetches and runs packages. */
export function isRunner(name: string): boolean {
  return runnerNames.has(name);
}

/** The same for a program, by what it was called or by its own name. */
export function packageRunBy(program: string, argv: readonly string[]): PackageSeen | undefined {
  return packageRun(nameOf(argv[0] ?? program), argv, 1) ?? packageRun(nameOf(program), argv, 1);
}

/** A package as it was typed: "@scope/name@1.2", "npm:name", "name[extra]==1.2". Undefined for addresses and paths. */
export function packageOf(runs: Extract<Runs, { what: "package" }>, argv: readonly string[]): PackageSeen | undefined {
  const typed = (argv[runs.index] ?? "").slice(runs.skip);
  if (runs.ecosystem === "pypi") {
    const [, name, version] = /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?:(?:==|@)([\w.+!-]+))?/.exec(typed) ?? [];
    if (name === undefined || typed.includes("/")) return undefined;
    return { ecosystem: "pypi", id: normalName(name), ...(version !== undefined && { version }) };
  }
  const [, id, version] = /^((?:@[\w.~-]+\/)?[\w.~-]+)(?:@([\w.^~+-]+))?(?:\/.*)?$/.exec(typed) ?? [];
  if (id === undefined || id.startsWith(".")) return undefined;
  return { ecosystem: "npm", id, ...(version !== undefined && { version }) };
}

/** The names that a command gave: its program's and, behind it, what it was called. */
export function baseNames(...paths: readonly (string | undefined)[]): readonly string[] {
  const names = paths.map((path) => nameOf(path ?? "")).filter((name) => name !== "" && name !== ".");
  return [...new Set(names)];
}
