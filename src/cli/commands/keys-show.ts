import { resolve } from "node:path";
import { writeAtomic } from "#lib/atomic-file.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { given, jsonOption } from "#cli/place.ts";
import { signingKey } from "#cli/signing-key.ts";
import { passphraseOptions } from "#cli/terminal.ts";
import { withCodes } from "#cli/trust.ts";
import { isPublicPart, loadPublicKey, publicText } from "#publish/keys.ts";
import { keyidOf, type PublicKeyJson } from "#publish/signer.ts";

/** `edict keys show FILE`: whose id it is, and whether it signs; what two people read to each other over the telephone. */
export const command: Command = {
  arguments: ["<file>"],
  options: [
    ["--public <file>", "write its public part there"],
    ["--id", "print its id and nothing else"],
    ["--try", "sign something with it, and see that the signature is good"],
    ...passphraseOptions,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const file = resolve(io.cwd, input.args[0] ?? "");
      const key = await keyOf(file, input, io);
      const keyid = keyidOf(key);
      const out = textOption(input, "public");
      if (out !== undefined) await writeAtomic(resolve(io.cwd, out), Buffer.from(publicText(key)), 0o644);
      if (given(input, "id")) io.out(`${keyid}\n`);
      else if (given(input, "json")) io.out(`${JSON.stringify({ file, keyid, key })}\n`);
      else io.out(`${file}\n  ${key.scheme}\n  key id ${keyid}${given(input, "try") ? "\n  it signs" : ""}\n`);
      return exitCodes.ok[0];
    }),
};

async function keyOf(file: string, input: Input, io: Io): Promise<PublicKeyJson> {
  if (await isPublicPart(file)) {
    if (given(input, "try"))
      throw new CommandError(exitCodes.usage[0], `${file} is a public part, which signs nothing`);
    return loadPublicKey(file);
  }
  const signer = await signingKey(file, input, io);
  // A program that signs is held to its public part each time; a key file is what signs.
  if (given(input, "try")) await signer.sign(Buffer.from("edict keys show --try"));
  return signer.key;
}
