import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { folderOf, given, placeOptions } from "#cli/place.ts";
import { outOf, repositoryBase, showAndSign, signingOptions } from "#cli/signing.ts";
import { withCodes } from "#cli/trust.ts";
import { proposeRenewal } from "#publish/delegate.ts";
import { resignTimestamp } from "#publish/repository.ts";

/**
 * `edict trust renew ROLE…`: what people sign, the same for another lifetime, as a proposal. `edict trust renew` alone: what the
 * server signs by itself, as it does every hour; for a repository that no edict-server looks after.
 */
export const command: Command = {
  arguments: ["[roles...]"],
  options: [
    ...placeOptions,
    ["--keys-dir <dir>", "without a role: the folder of the server's own keys"],
    ...signingOptions,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const roles = [...new Set(input.args)];
      if (roles.length > 0) {
        const base = await repositoryBase(input, io);
        const proposal = proposeRenewal(roles, base.current, io.clock.now());
        return showAndSign({ proposal, base, out: outOf(input, io, "proposal.json") }, input, io);
      }
      const { problem, ...released } = await resignTimestamp({
        ...folderOf(input, io),
        dryRun: given(input, "dryRun"),
      });
      if (problem !== undefined) io.err(`${problem}\n`);
      const state = given(input, "dryRun") ? "would be in force: nothing was written" : "is in force";
      if (given(input, "json")) io.out(`${JSON.stringify(released)}\n`);
      else io.out(`timestamp version ${released.timestamp} ${state} (snapshot ${released.snapshot})\n`);
      return problem === undefined ? exitCodes.ok[0] : exitCodes.failed[0];
    }),
};
