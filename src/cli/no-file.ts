import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { CommandError } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { printable } from "#cli/printable.ts";
import { describe, systemCode } from "#lib/errors.ts";

const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "not permitted",
  EISDIR: "a folder, and no file",
  ELOOP: "a link that leads to itself",
};

/** What is wrong with a path that somebody named, in their words. @param expected what else it could be */
export function cannotReach(what: string, thrown: unknown, expected?: string): CommandError {
  const code = systemCode(thrown) ?? "";
  const said = words[code] ?? describe(thrown);
  const more = code === "EACCES" || expected === undefined ? "" : `; expected ${expected}`;
  return new CommandError(exitCodes[code === "EACCES" ? "denied" : "usage"][0], `${printable(what)}: ${said}${more}`);
}

/** @throws CommandError where nothing is there, or nothing that this user may read */
export async function mustBeReadable(path: Buffer, what: string, expected: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw cannotReach(what, error, expected);
  }
}
