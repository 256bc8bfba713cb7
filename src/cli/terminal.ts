import { resolve as pathOf } from "node:path";
import { ReadStream } from "node:tty";
import { readBounded } from "#lib/atomic-file.ts";
import { CommandError, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";

/** The options of every verb that needs a passphrase. */
export const passphraseOptions = [
  [
    "--passphrase-file <file>",
    "a file with the passphrase on its first line (else EDICT_PASSPHRASE, else it is asked for)",
  ],
] as const;

/** From the file, from EDICT_PASSPHRASE, or typed without being shown. @throws CommandError where there is none of these */
export async function passphraseFor(what: string, input: Input, io: Io, twice = false): Promise<string> {
  const file = textOption(input, "passphraseFile");
  if (file !== undefined) return (await readBounded(pathOf(io.cwd, file), 4096)).toString().split(/\r?\n/, 1)[0] ?? "";
  const given = io.env["EDICT_PASSPHRASE"];
  if (given !== undefined) return given;
  const terminal = terminalOf(io);
  if (terminal === undefined)
    throw new CommandError(
      exitCodes.usage[0],
      `no terminal to ask for the passphrase of ${what}: set EDICT_PASSPHRASE or --passphrase-file`,
    );
  const typed = await line(terminal, io, `passphrase of ${what}: `, "hidden");
  if (!twice) return typed;
  if ((await line(terminal, io, "the same again: ", "hidden")) === typed) return typed;
  throw new CommandError(exitCodes.usage[0], "the two were not the same");
}

/** Whether a person said yes. @throws CommandError where nobody can be asked */
export async function confirmed(question: string, io: Io): Promise<boolean> {
  const terminal = terminalOf(io);
  if (terminal === undefined)
    throw new CommandError(exitCodes.usage[0], "no terminal to ask on: add --yes if it is meant");
  return /^y(es)?$/i.test((await line(terminal, io, `${question} [y/N] `, "shown")).trim());
}

function terminalOf(io: Io): ReadStream | undefined {
  return io.stdin instanceof ReadStream && io.stdin.isTTY ? io.stdin : undefined;
}

/** One line; hidden means typed in raw mode, where the terminal echoes nothing and Ctrl-C is a character. */
function line(terminal: ReadStream, io: Io, prompt: string, echo: "shown" | "hidden"): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (act: () => void): void => {
      terminal.off("data", take).off("end", ended);
      if (echo === "hidden") {
        terminal.setRawMode(false);
        io.err("\n");
      }
      terminal.pause();
      act();
    };
    const ended = (): void => finish(() => resolve(text));
    const stopped = new CommandError(exitCodes.failed[0], "stopped");
    const take = (data: Buffer): void => {
      for (const character of data.toString()) {
        if (character === "\u0003") return finish(() => reject(stopped));
        if (character === "\r" || character === "\n" || character === "\u0004") return ended();
        if (character === "\u007F" || character === "\b") text = text.slice(0, -1);
        else text += character;
      }
    };
    // Before the prompt: whoever types at once is not echoed either.
    if (echo === "hidden") terminal.setRawMode(true);
    terminal.on("data", take).on("end", ended).resume();
    io.err(prompt);
  });
}
