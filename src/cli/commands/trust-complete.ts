import { resolve } from "node:path";
import type { Command } from "#cli/command.ts";
import { keysDirOf, reportRepository } from "#cli/commands/trust-init.ts";
import { readProposals } from "#cli/commands/policy-push.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { dryRunOption, given, jsonOption } from "#cli/place.ts";
import { withCodes } from "#cli/trust.ts";
import { readRoot } from "#publish/content.ts";
import { PublishError } from "#publish/error.ts";
import { roleIn } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";

/** The ceremony's end: a repository from what enough have signed. It runs where the server's keys were made. */
export const command: Command = {
  arguments: ["<dir>", "<proposals...>"],
  options: [
    ["--keys-dir <dir>", "the folder of the server's own keys (default: keys, beside the repository)"],
    dryRunOption,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const [place = "", ...files] = input.args;
      const dir = resolve(io.cwd, place);
      const keysDir = keysDirOf(dir, input, io);
      const proposal = await readProposals(files, io);
      const rootFile = roleIn(proposal, "root");
      if (rootFile === undefined) throw new PublishError("PROPOSAL", "it has no root: begin with edict trust init");
      const dryRun = given(input, "dryRun");
      await publishProposal({ dir, keysDir, proposal, clock: io.clock, create: true, dryRun });
      if (dryRun) {
        io.err(`${dir} would be a repository; nothing was written: --dry-run\n`);
        return exitCodes.ok[0];
      }
      const { root, targets } = readRoot(rootFile).roles;
      const counts = { threshold: root.threshold, targetsThreshold: targets.threshold };
      reportRepository(
        { dir, keysDir, ...counts, rootKeys: root.keyids.length, targetsKeys: targets.keyids.length },
        input,
        io,
      );
      return exitCodes.ok[0];
    }),
};
