import { dirname, join, relative, resolve } from "node:path";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes, type ExitCode } from "#cli/exit-codes.ts";
import { countOption, dryRunOption, given, jsonOption, commaList } from "#cli/place.ts";
import { printableLine } from "#cli/printable.ts";
import { signingKey } from "#cli/signing-key.ts";
import { outOf } from "#cli/signing.ts";
import { passphraseOptions } from "#cli/terminal.ts";
import { withCodes } from "#cli/trust.ts";
import { writeAtomic } from "#lib/atomic-file.ts";
import { PublishError } from "#publish/error.ts";
import { isPublicPart, loadPublicKey } from "#publish/keys.ts";
import { proposeRepository, requireThreshold } from "#publish/propose-root.ts";
import { proposalBytes } from "#publish/proposal-file.ts";
import { hasRepository, initRepository } from "#publish/repository.ts";
import type { PublicKeyJson, Signer } from "#publish/signer.ts";

/**
 * `edict trust init DIR`: with public parts the ceremony's beginning, a proposal that each signs on a machine of their own; with
 * key files the whole repository at once, on one machine.
 */
export const command: Command = {
  arguments: ["<dir>"],
  options: [
    [
      "--root-keys <files>",
      "who signs the root, separated by commas: NAME.pub of each (then they sign apart), or key files that are all here",
    ],
    ["--targets-keys <files>", "who signs policies, in the same way (default: the root keys)"],
    ["--threshold <n>", "how many of them have to sign (default: 1)"],
    ["--targets-threshold <n>", "the same for policies (default: as for the root)"],
    ["--keys-dir <dir>", "where the server's own two keys are made (default: keys, beside the repository)"],
    ["--out <file>", "where the proposal goes (default: ceremony.json)"],
    ...passphraseOptions,
    dryRunOption,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const dir = resolve(io.cwd, input.args[0] ?? "");
      const keysDir = keysDirOf(dir, input, io);
      const [rootFiles, targetsFiles] = filesOf(input, io);
      const counts = {
        threshold: countOption(input, "threshold", "--threshold") ?? 1,
        targetsThreshold: countOption(input, "targetsThreshold", "--targets-threshold"),
      };
      const places = { dir, keysDir, ...counts };
      if (await hasRepository(dir)) throw new PublishError("EXISTS", `${dir} holds a repository already`);
      const apart = await Promise.all([...rootFiles, ...targetsFiles].map(isPublicPart));
      if (apart.every(Boolean)) return ceremony(places, rootFiles, targetsFiles, input, io);
      if (!apart.some(Boolean)) return atOnce(places, rootFiles, targetsFiles, input, io);
      throw new CommandError(
        exitCodes.usage[0],
        "give NAME.pub of all of them, so that each signs apart, or key files of all of them, which are used here",
      );
    }),
};

interface Places {
  readonly dir: string;
  readonly keysDir: string;
  readonly threshold: number;
  readonly targetsThreshold: number | undefined;
}

/** The server's own keys lie where nobody can fetch them. */
export function keysDirOf(dir: string, input: Input, io: Io): string {
  const keysDir = resolve(io.cwd, textOption(input, "keysDir") ?? join(dirname(dir), "keys"));
  if (relative(dir, keysDir).startsWith("..")) return keysDir;
  throw new CommandError(
    exitCodes.usage[0],
    `${keysDir} lies in the repository, which everybody can read: choose another --keys-dir`,
  );
}

function filesOf(input: Input, io: Io): readonly [readonly string[], readonly string[]] {
  const paths = (name: string): readonly string[] => commaList(input, name).map((file) => resolve(io.cwd, file));
  const root = paths("rootKeys");
  if (root.length === 0) throw new CommandError(exitCodes.usage[0], "--root-keys is missing");
  return [root, textOption(input, "targetsKeys") === undefined ? root : paths("targetsKeys")];
}

async function ceremony(
  { dir, keysDir, ...counts }: Places,
  rootFiles: readonly string[],
  targetsFiles: readonly string[],
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const rootKeys = await Promise.all(rootFiles.map(loadPublicKey));
  const targetsKeys = await Promise.all(targetsFiles.map(loadPublicKey));
  const out = outOf(input, io, "ceremony.json");
  requireThreshold({ rootKeys, targetsKeys, ...counts });
  if (given(input, "dryRun")) return nothing(`${out} would be written, and the server's keys made in ${keysDir}`, io);
  const proposal = await proposeRepository({ rootKeys, targetsKeys, ...counts, keysDir, clock: io.clock });
  await writeAtomic(out, proposalBytes(proposal), 0o644);
  if (given(input, "json")) io.out(`${JSON.stringify({ proposal: out, dir, keysDir })}\n`);
  else {
    io.out(`${out}\n  what is to be signed: the root, and targets without a policy yet\n`);
    io.out(`${keysDir}\n  the server's own keys, unencrypted: they can ban nothing\n`);
    io.out(`now each signer, on a machine of their own: edict trust sign ${out} --key …\n`);
    io.out(`and when enough have signed, here: edict trust complete ${dir} ${out} --keys-dir ${keysDir}\n`);
  }
  return exitCodes.ok[0];
}

async function atOnce(
  places: Places,
  rootFiles: readonly string[],
  targetsFiles: readonly string[],
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const opened = new Map<string, Signer>();
  for (const file of new Set([...rootFiles, ...targetsFiles])) opened.set(file, await signingKey(file, input, io));
  const signers = (files: readonly string[]): readonly Signer[] => files.flatMap((file) => opened.get(file) ?? []);
  const [rootSigners, targetsSigners] = [signers(rootFiles), signers(targetsFiles)];
  const [key] = rootSigners;
  if (key === undefined) throw new CommandError(exitCodes.usage[0], "--root-keys names no file");
  requireThreshold({ ...places, rootKeys: rootSigners.map(keyOf), targetsKeys: targetsSigners.map(keyOf) });
  if (given(input, "dryRun")) return nothing(`a repository would be made in ${places.dir}`, io);
  await initRepository({ ...places, key, rootSigners, targetsSigners, clock: io.clock });
  reportRepository({ ...places, rootKeys: rootSigners.length, targetsKeys: targetsSigners.length }, input, io);
  return exitCodes.ok[0];
}

function keyOf({ key }: Signer): PublicKeyJson {
  return key;
}

function nothing(would: string, io: Io): ExitCode {
  io.err(`${printableLine(would)}; nothing was written: --dry-run\n`);
  return exitCodes.ok[0];
}

/** What was made, and what it means. */
export function reportRepository(
  made: Places & { readonly rootKeys: number; readonly targetsKeys: number },
  input: Input,
  io: Io,
): void {
  const root = join(made.dir, "1.root.json");
  if (given(input, "json")) return io.out(`${JSON.stringify({ ...made, root })}\n`);
  const targets = made.targetsThreshold ?? made.threshold;
  io.out(
    `${made.dir}\n  the repository: serve it as plain files\n${root}\n  the root that devices are installed with\n`,
  );
  io.out(`${made.keysDir}\n  the server's own keys, unencrypted: they can ban nothing\n`);
  io.out(`root: ${made.threshold} of ${made.rootKeys}, policies: ${targets} of ${made.targetsKeys}\n`);
  if (made.threshold === 1 || targets === 1)
    io.out(
      "One signature is enough to ban software on every device. That is for a start: whoever has that one key and its\n" +
        "passphrase decides alone. Before this is used in earnest, use three keys of three people and --threshold 2.\n",
    );
}
