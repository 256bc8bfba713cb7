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
    at = found ?? at.command(word, { hidden: hidden && last }).description(last ? summary : `${word} …`);
    at.exitOverride().helpOption("-h, --help", "what it does").allowExcessArguments(false);
  }
  return at;
}

function declare(program: Program, command: Command, io: Io, done: (code: number) => void): void {
  for (const argument of command.arguments ?? []) program.argument(argument);
  for (const [flags, description] of command.options ?? []) program.option(flags, description);
  program.action(async () => {
    const args = program.processedArgs.flat().filter((a) => typeof a === "string");
    done(await command.run({ args, options: program.opts() }, io));
  });
}

/** Runs one command line. Only the verb that is called is loaded. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const root = new Program("edict").version(version).exitOverride().description("Software bans, signed and explained.");
  root.configureOutput({ writeOut: io.out, writeErr: io.err }).helpCommand(false);
  let code: number = exitCodes.ok[0];
  const typed = argv.filter((word) => !word.startsWith("-"));
  for (const verb of verbs) {
    const program = attach(root, verb);
    const called = verb.name.split(" ").every((word, i) => typed[i] === word);
    if (called) declare(program, (await verb.load()).command, io, (c) => (code = c));
  }
  try {
    await root.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok[0] : exitCodes.usage[0];
    io.err(`edict: ${describe(error)}\n`);
    return error instanceof CommandError ? error.code : exitCodes.failed[0];
  }
}

function processIo(): Io {
  const stop = new AbortController();
  // Not `once`: when-exit (under conf) sends the process the signal it got again, which must not end it in the middle of stopping.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  // Whoever reads us may stop at any line ("| head"): EPIPE is theirs to decide.
  process.stdout.on("error", (error) => {
    if (systemCode(error) !== "EPIPE") throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    clock: systemClock,
    env: process.env,
    // Asked when it is needed: a person may stand in a folder that is gone (getcwd(3), ENOENT).
    get cwd() {
      return process.cwd();
    },
    isTerminal: process.stdout.isTTY,
    display: process.stdout.isTTY && process.stderr.isTTY ? process.stderr : undefined,
    signal: stop.signal,
  };
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2), processIo());
