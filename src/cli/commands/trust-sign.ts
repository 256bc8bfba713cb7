import { resolve } from "node:path";
import type { Command } from "#cli/command.ts";
import { given, placeOptions } from "#cli/place.ts";
import { baseOf, outOf, showAndSign, signingOptions } from "#cli/signing.ts";
import { neededOption, readInput, withCodes } from "#cli/trust.ts";
import { maxProposal, parseProposal } from "#publish/proposal-file.ts";

/** Adds the next signature to any proposal; without a repository it takes a new root, or one that --root precedes. */
export const command: Command = {
  arguments: ["<proposal>"],
  options: [...placeOptions, ...signingOptions],
  run: (input, io) =>
    withCodes(async () => {
      if (!given(input, "dryRun")) neededOption(input, "key", "--key");
      const file = resolve(io.cwd, input.args[0] ?? "");
      const proposal = parseProposal(await readInput(file, maxProposal));
      const base = await baseOf(input, io);
      return showAndSign({ proposal, base, out: outOf(input, io, file) }, input, io);
    }),
};
