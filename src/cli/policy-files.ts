import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { cannotReach } from "#cli/no-file.ts";
import { describe } from "#lib/errors.ts";
import { policyBounds, type Policy } from "#policy/ban.ts";
import { parsePolicy, PolicyError } from "#policy/parse.ts";

/**
 * The bytes of a file that the person named; "-" is standard input.
 * @param most bytes
 * @throws CommandError with code usage, naming the file
 */
export async function readNamed(io: Io, file: string, most: number): Promise<Uint8Array> {
  if (file === "-") return readAll(io.stdin, most);
  try {
    await using handle = await open(resolve(io.cwd, file), constants.O_RDONLY);
    const { size } = await handle.stat();
    if (size > most) throw new Error(`it has ${size} bytes, the bound is ${most}`);
    return await readAll(handle.createReadStream({ autoClose: false }), most);
  } catch (cause) {
    throw cannotReach(file, cause);
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > most) throw new Error(`it has more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** What `parse` makes of a file. @throws CommandError naming the file, the path in it, the line, expected and found */
export async function readParsed<T>(
  io: Io,
  file: string,
  most: number,
  parse: (bytes: Uint8Array) => T,
): Promise<{ readonly bytes: Uint8Array; readonly value: T }> {
  const bytes = await readNamed(io, file, most);
  try {
    return { bytes, value: parse(bytes) };
  } catch (cause) {
    if (cause instanceof PolicyError)
      throw new CommandError(exitCodes.usage[0], cause.problems.map((problem) => `${file}: ${problem}`).join("\n"), {});
    throw new CommandError(exitCodes.usage[0], `${file}: ${describe(cause)}`, { cause });
  }
}

/** @throws CommandError */
export async function readPolicy(io: Io, file: string): Promise<Policy> {
  return (await readParsed(io, file, policyBounds.policy, parsePolicy)).value;
}
