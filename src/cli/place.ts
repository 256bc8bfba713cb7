import { resolve } from "node:path";
import { CommandError, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { fileOption, neededOption } from "#cli/trust.ts";
import { isUrl, type RepositoryAddress } from "#publish/current.ts";
import type { Repository } from "#publish/repository.ts";
import { limits } from "#trust/limits.ts";

/** The options of every verb that reads a repository, wherever it lies. */
export const placeOptions = [
  ["--repo <place>", "the repository: a folder, or the URL it is served under"],
  ["--server <url>", "or an edict-server, which serves it under /repo/"],
  ["--root <file>", "the root one trusts; needed where the repository is not a folder here"],
  ["--ca <file>", "the server's certificate authority, PEM"],
] as const;

/** The options of every verb that publishes into a folder. */
export const folderOptions = [
  ["--repo <dir>", "the repository's folder"],
  ["--keys-dir <dir>", "the folder of the server's own keys"],
] as const;

export const dryRunOption = ["--dry-run", "say what would happen, check all of it, and write nothing"] as const;
export const jsonOption = ["--json", "print JSON"] as const;

const maxCertificates = 1024 * 1024;

/** Where --repo, --server and --root point; undefined where neither place was given. @throws CommandError */
export async function placeOf(input: Input, io: Io): Promise<RepositoryAddress | undefined> {
  const [place, server] = [textOption(input, "repo"), textOption(input, "server")];
  const named = server === undefined ? place : `${server.replace(/\/+$/, "")}/repo/`;
  if (named === undefined) return undefined;
  const repo = isUrl(named) ? named : resolve(io.cwd, named);
  const root = await fileOption(input, io, "root", limits.root);
  const ca = await fileOption(input, io, "ca", maxCertificates);
  if (isUrl(repo) && root === undefined)
    throw new CommandError(
      exitCodes.usage[0],
      "--root FILE is missing: a server cannot vouch for itself; it is the root.json that devices are installed with",
    );
  return { repo, root, ca: ca?.toString(), clock: io.clock };
}

/** @throws CommandError where none was given */
export async function neededPlace(input: Input, io: Io): Promise<RepositoryAddress> {
  const address = await placeOf(input, io);
  if (address !== undefined) return address;
  throw new CommandError(exitCodes.usage[0], "--repo DIR or --server URL is missing");
}

/** @throws CommandError where one of the two folders was not given */
export function folderOf(input: Input, io: Io): Repository {
  return {
    dir: resolve(io.cwd, neededOption(input, "repo", "--repo")),
    keysDir: resolve(io.cwd, neededOption(input, "keysDir", "--keys-dir")),
    clock: io.clock,
  };
}

export function given(input: Input, name: string): boolean {
  return input.options[name] === true;
}

/** A list separated by commas; empty where the option was not given. */
export function commaList(input: Input, name: string): readonly string[] {
  return (textOption(input, name) ?? "").split(",").filter((item) => item !== "");
}

/** A whole number from 1 to 99; undefined where it was not given. @throws CommandError */
export function countOption(input: Input, name: string, flag: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new CommandError(exitCodes.usage[0], `${flag} ${text} is not a number from 1 on`);
}
