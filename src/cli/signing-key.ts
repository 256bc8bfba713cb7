import { basename, resolve } from "node:path";
import type { Input, Io } from "#cli/command.ts";
import { passphraseFor, passphraseOptions } from "#cli/terminal.ts";
import type { RunProgram } from "#publish/command-key.ts";
import { openKey } from "#publish/keys.ts";
import type { Signer } from "#publish/signer.ts";

/** The options of every verb that signs with a person's key. */
export const keyOptions = [
  ["--key <file>", "the key that signs: a key file, or the description of a key that lies elsewhere"],
  ...passphraseOptions,
] as const;

/** A person may have to find their token, and to touch it. */
const patienceMs = 120_000;

/** A key that a person named; a passphrase is asked for where it has one. @throws PublishError KEY; CommandError */
export function signingKey(file: string, input: Input, io: Io): Promise<Signer> {
  const path = resolve(io.cwd, file);
  return openKey(path, { passphrase: () => passphraseFor(basename(path), input, io), run: runSigner });
}

/** The only program that signing starts: the one that a key description names. Loaded where there is such a key. */
const runSigner: RunProgram = async (file, args, input) => {
  const { run } = await import("#platform/commands.ts");
  return run(file, args, { input, deadline: patienceMs, limit: 64 * 1024 });
};
