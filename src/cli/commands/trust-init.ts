import { basename, dirname, join, relative, resolve } from "node:path";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { passphraseFor, passphraseOptions } from "#cli/terminal.ts";
import { neededOption, withCodes } from "#cli/trust.ts";
import { loadKey } from "#publish/keys.ts";
import { initRepository } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";

export const command: Command = {
  arguments: ["<dir>"],
  options: [
    ["--root-keys <files>", "key files that sign the root, separated by commas"],
    ["--targets-keys <files>", "key files that sign policies (default: the root keys)"],
    ["--threshold <n>", "how many of them have to sign (default: 1)"],
    ["--keys-dir <dir>", "where the server's own two keys are made (default: keys, beside the repository)"],
    ...passphraseOptions,
    ["--json", "print JSON"],
  ],
  run: (input, io) =>
    withCodes(async () => {
      const dir = resolve(io.cwd, input.args[0] ?? "");
      const keysDir = resolve(io.cwd, textOption(input, "keysDir") ?? join(dirname(dir), "keys"));
      if (!relative(dir, keysDir).startsWith(".."))
        throw new CommandError(
          exitCodes.usage[0],
          `${keysDir} lies in the repository, which everybody can read: choose another --keys-dir`,
        );
      const threshold = thresholdOf(input);
      const known = new Map<string, Signer>();
      const rootSigners = await signers(neededOption(input, "rootKeys", "--root-keys"), known, input, io);
      const targetsFiles = textOption(input, "targetsKeys");
      const targetsSigners = targetsFiles === undefined ? rootSigners : await signers(targetsFiles, known, input, io);
      const [key] = rootSigners;
      if (key === undefined) throw new CommandError(exitCodes.usage[0], "--root-keys names no file");
      await initRepository({ dir, keysDir, key, rootSigners, targetsSigners, threshold, clock: io.clock });
      report({ dir, keysDir, threshold, rootKeys: rootSigners.length, targetsKeys: targetsSigners.length }, input, io);
      return exitCodes.ok[0];
    }),
};

interface Made {
  readonly dir: string;
  readonly keysDir: string;
  readonly threshold: number;
  readonly rootKeys: number;
  readonly targetsKeys: number;
}

function report(made: Made, input: Input, io: Io): void {
  const root = join(made.dir, "1.root.json");
  if (input.options["json"] === true) return io.out(`${JSON.stringify({ ...made, root })}\n`);
  io.out(
    `${made.dir}\n  the repository: serve it as plain files\n${root}\n  the root that devices are installed with\n`,
  );
  io.out(`${made.keysDir}\n  the server's own keys, unencrypted: they can ban nothing\n`);
  io.out(`root: ${made.threshold} of ${made.rootKeys}, policies: ${made.threshold} of ${made.targetsKeys}\n`);
  if (made.threshold === 1)
    io.out(
      "One signature is enough to ban software on every device. That is for a start: whoever has that one key and its\n" +
        "passphrase decides alone. Before this is used in earnest, use three keys of three people and --threshold 2.\n",
    );
}

function thresholdOf(input: Input): number {
  const text = textOption(input, "threshold") ?? "1";
  const value = Number(text);
  if (/^\d{1,2}$/.test(text) && value >= 1) return value;
  throw new CommandError(exitCodes.usage[0], `--threshold ${text} is not a number from 1 on`);
}

async function signers(list: string, known: Map<string, Signer>, input: Input, io: Io): Promise<readonly Signer[]> {
  const found: Signer[] = [];
  for (const file of list.split(",").filter((name) => name !== "")) {
    const path = resolve(io.cwd, file);
    const signer = known.get(path) ?? (await loadKey(path, await passphraseFor(basename(path), input, io)));
    known.set(path, signer);
    if (found.some((other) => other.keyid === signer.keyid))
      throw new CommandError(exitCodes.usage[0], `${file} is the same key as another one: it would count once`);
    found.push(signer);
  }
  return found;
}
