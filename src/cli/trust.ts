import { resolve } from "node:path";
import { readBounded } from "#lib/atomic-file.ts";
import { describe } from "#lib/errors.ts";
import { PublishError } from "#publish/error.ts";
import { TrustError } from "#trust/error.ts";
import { PolicyError } from "#policy/parse.ts";
import { CommandError, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes, type ExitCode } from "#cli/exit-codes.ts";

/** Runs a verb that signs, publishes or verifies; its errors end with the code of the table that they belong to. */
export async function withCodes<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TrustError) throw new CommandError(codeOf(error), `${describe(error)} (${error.code})`);
    if (error instanceof PublishError) throw new CommandError(exitCodes.failed[0], describe(error));
    if (error instanceof PolicyError) throw new CommandError(exitCodes.usage[0], error.problems.join("\n"));
    throw error;
  }
}

function codeOf({ code }: TrustError): ExitCode {
  switch (code) {
    case "TIMEOUT":
    case "HTTP":
    case "NETWORK":
      return exitCodes.noServer[0];
    case "CACHE":
      return exitCodes.failed[0];
    case "EXPIRED":
    case "ROLLBACK":
    case "SIGNATURE":
    case "MISMATCH":
    case "FORMAT":
    case "LIMIT":
    case "VERSION":
      return exitCodes.untrusted[0];
  }
}

/** A whole file that an option names, or undefined where it was not given. @throws CommandError */
export async function fileOption(input: Input, io: Io, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = textOption(input, name);
  return file === undefined ? undefined : readInput(resolve(io.cwd, file), maxBytes);
}

/** A file that a person named. @throws CommandError with its path */
export async function readInput(file: string, maxBytes: number): Promise<Buffer> {
  try {
    return await readBounded(file, maxBytes);
  } catch (error) {
    throw new CommandError(exitCodes.usage[0], `${file} cannot be read: ${describe(error)}`);
  }
}

/** @throws CommandError naming the option */
export function neededOption(input: Input, name: string, flag: string): string {
  const value = textOption(input, name);
  if (value === undefined) throw new CommandError(exitCodes.usage[0], `${flag} is missing`);
  return value;
}
