#!/usr/bin/env node
import { Command as Program, CommanderError } from "commander";
import { CommandError, type Command, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { verbs, type Verb } from "#cli/verbs.ts";
import { systemClock } from "#lib/clock.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { version } from "#lib/version.ts";

/** The program for one verb: the words before it are its parents ("policy lint" hangs under "policy"). */
function attach(root: Program, { name, summary, hidden = false }: Verb): Program {
  const words = name.split(" ");
  let at = root;
  for (const [i, word] of words.entries()) {
    const last = i === words.length - 1;
    const found = at.commands.find((c) => c.name() === word);
    at = found ?? at.command(word, { hidden: hidden && last }).description(last ? summary : wordsAfter(word));
    at.exitOverride().helpOption("-h, --help", "what it does").helpCommand(false).allowExcessArguments(false);
  }
  return at;
}

/** What can follow a word that is no verb by itself: "lint, test, diff". */
function wordsAfter(word: string): string {
  const below = verbs.filter(({ name, hidden }) => hidden !== true && name.startsWith(`${word} `));
  return below.map(({ name }) => name.slice(word.length + 1)).join(", ");
}

function declare(program: Program, command: Command, io: Io, done: (code: number) => void): void {
  for (const argument of command.arguments ?? []) program.argument(argument);
  for (const [flags, description] of command.options ?? []) program.option(flags, description);
  program.action(async () => {
    const args = program.processedArgs.flat().filter((a) => typeof a === "string");
    done(await command.run({ args, options: program.opts() }, io));
  });
}

/** "edict help audit" is "edict audit --help"; of the verbs, only that of the exit codes begins so. */
function withoutHelp(argv: readonly string[]): readonly string[] {
  return argv[0] === "help" && argv[1] !== "exit-codes" ? [...argv.slice(1), "--help"] : argv;
}

/** Every complaint begins alike, whoever makes it. */
function outputError(text: string, write: (text: string) => void): void {
  write(text.replace(/^error: /, "edict: "));
}

/** Runs one command line. Only the verb that is called is loaded. */
export async function run(line: readonly string[], io: Io): Promise<number> {
  const argv = withoutHelp(line);
  const root = new Program("edict").version(version).exitOverride().description("Software bans, signed and explained.");
  root.configureOutput({ writeOut: io.out, writeErr: io.err, outputError }).helpCommand(false);
  let code: number = exitCodes.ok[0];
  const typed = argv.filter((word) => !word.startsWith("-"));
  const group = verbs.some(({ name }) => name.startsWith(`${typed[0]} `)) ? `${typed[0]} ` : "";
  let help = `edict ${group}--help says what there is`;
  for (const verb of verbs) {
    const program = attach(root, verb);
    if (!verb.name.split(" ").every((word, i) => typed[i] === word)) continue;
    help = `edict ${verb.name} --help says what there is`;
    declare(program, (await verb.load()).command, io, (c) => (code = c));
  }
  try {
    await root.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok[0];
      const dash = error.code === "commander.unknownOption" ? "; a name that begins with a dash goes behind --" : "";
      if (error.code !== "commander.help") io.err(`(${help}${dash})\n`);
      return exitCodes.usage[0];
    }
    io.err(`edict: ${describe(error)}\n`);
    return error instanceof CommandError ? error.code : exitCodes.failed[0];
  }
}

/** Where somebody stands; undefined where that folder is gone (getcwd(3), ENOENT), which we leave then: no thread starts in it. */
function folderHere(): string | undefined {
  try {
    return process.cwd();
  } catch {
    process.chdir("/");
    return undefined;
  }
}

function processIo(): Io {
  const here = folderHere();
  const cannotMove = ["", "dumb"].includes(process.env["TERM"] ?? ""); // terminfo(5): such a terminal has no cursor to move
  const stop = new AbortController();
  // Not `once`: when-exit (under conf) sends the process the signal it got again, which must not end it in the middle of stopping.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  process.stderr.on("error", () => undefined); // there is nobody left to tell
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    clock: systemClock,
    env: process.env,
    get cwd() {
      if (here !== undefined) return here;
      throw new CommandError(exitCodes.failed[0], "the folder you are in is not there any more: change to another one");
    },
    isTerminal: process.stdout.isTTY,
    get columns() {
      return process.stdout.isTTY ? process.stdout.columns : undefined;
    },
    display: process.stdout.isTTY && process.stderr.isTTY && !cannotMove ? process.stderr : undefined,
    signal: stop.signal,
  };
}

/** What is left to say where standard output took not all of it; undefined where whoever reads ("| head") has read enough. */
function unwritten(error: Error): string | undefined {
  return systemCode(error) === "EPIPE" ? undefined : `edict: the output could not be written: ${error.message}\n`;
}

if (import.meta.main) {
  let lost = false;
  process.stdout.on("error", (error) => {
    const said = unwritten(error);
    if (said === undefined) return;
    if (!lost) process.stderr.write(said);
    lost = true;
    process.exitCode = exitCodes.failed[0];
  });
  const code = await run(process.argv.slice(2), processIo());
  process.exitCode = lost ? exitCodes.failed[0] : code;
}
