import { resolve } from "node:path";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { commaList, countOption, given, placeOptions } from "#cli/place.ts";
import { outOf, repositoryBase, showAndSign, signingOptions } from "#cli/signing.ts";
import { neededOption, withCodes } from "#cli/trust.ts";
import { proposeDelegation, proposeRemoval } from "#publish/delegate.ts";
import { loadPublicKey } from "#publish/keys.ts";
import { exceptionsRole } from "#publish/names.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import type { PublicKeyJson } from "#publish/signer.ts";

/** `edict trust delegate group-NAME` lets a department sign bans of its own; `… exceptions` lets the server grant exceptions. */
export const command: Command = {
  arguments: ["<role>"],
  options: [
    ...placeOptions,
    ["--keys <files>", "NAME.pub of each who signs for the department, separated by commas"],
    ["--threshold <n>", "how many of them have to sign (default: 1)"],
    ["--keys-dir <dir>", "for exceptions: the folder of the server's own keys, where another is made"],
    ["--remove", "take the delegation away: what it had signed counts no longer"],
    ...signingOptions,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const [role = ""] = input.args;
      const remove = given(input, "remove");
      const { keys, prepare } = remove ? nobody : await keysFor(role, input, io);
      const threshold = countOption(input, "threshold", "--threshold") ?? 1;
      const base = await repositoryBase(input, io);
      const now = io.clock.now();
      const proposal = remove
        ? proposeRemoval(role, base.current, now)
        : proposeDelegation({ role, keys, threshold }, base.current, now);
      return showAndSign({ proposal, base, out: outOf(input, io, "proposal.json"), prepare }, input, io);
    }),
};

interface Keys {
  readonly keys: readonly PublicKeyJson[];
  readonly prepare: () => Promise<void>;
}

const nobody: Keys = { keys: [], prepare: () => Promise.resolve() };

async function keysFor(role: string, input: Input, io: Io): Promise<Keys> {
  if (role !== exceptionsRole) {
    const files = commaList(input, "keys");
    if (files.length === 0) throw new CommandError(exitCodes.usage[0], "--keys is missing");
    return { ...nobody, keys: await Promise.all(files.map((file) => loadPublicKey(resolve(io.cwd, file)))) };
  }
  if (textOption(input, "keys") !== undefined)
    throw new CommandError(
      exitCodes.usage[0],
      "the server makes its own key for exceptions: --keys-dir, without --keys",
    );
  const keysDir = resolve(io.cwd, neededOption(input, "keysDir", "--keys-dir"));
  const made = newOnlineKey(exceptionsRole);
  return { keys: [made.key], prepare: () => made.save(keysDir) };
}
