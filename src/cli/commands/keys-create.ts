import { resolve } from "node:path";
import { CommandError, textOption, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { passphraseFor, passphraseOptions } from "#cli/terminal.ts";
import { withCodes } from "#cli/trust.ts";
import { createKey } from "#publish/keys.ts";
import { keyTypes } from "#publish/signer.ts";

export const command: Command = {
  arguments: ["<name>"],
  options: [
    ["--type <type>", "ed25519 (the default) or ecdsa-p256"],
    ["--out <dir>", "the folder for NAME.key and NAME.pub (default: here)"],
    ...passphraseOptions,
    ["--json", "print JSON"],
  ],
  run: (input, io) =>
    withCodes(async () => {
      const [name = ""] = input.args;
      const wanted = textOption(input, "type") ?? "ed25519";
      const type = keyTypes.find((one) => one === wanted);
      if (type === undefined) throw new CommandError(exitCodes.usage[0], `--type is one of ${keyTypes.join(", ")}`);
      const dir = resolve(io.cwd, textOption(input, "out") ?? ".");
      const passphrase = await passphraseFor(`the new key ${name}`, input, io, true);
      const made = await createKey({ name, dir, passphrase, type });
      if (input.options["json"] === true) io.out(`${JSON.stringify(made)}\n`);
      else {
        io.out(`${made.file}\n  the private key, encrypted: keep it off the servers, and a copy of it in a safe\n`);
        io.out(`${made.publicFile}\n  its public part, for whoever sets up the repository\n`);
        io.out(`key id ${made.keyid}\n`);
      }
      return exitCodes.ok[0];
    }),
};
