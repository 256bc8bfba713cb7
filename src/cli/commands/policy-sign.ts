import { resolve } from "node:path";
import { parseGroupPolicy } from "#policy/group.ts";
import { parsePolicy } from "#policy/parse.ts";
import { catalogOf } from "#cli/catalog.ts";
import { textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { given, placeOptions } from "#cli/place.ts";
import { groupName } from "#cli/policy-parts.ts";
import { outOf, repositoryBase, showAndSign, signingOptions, type RepositoryBase } from "#cli/signing.ts";
import { fileOption, neededOption, readInput, withCodes } from "#cli/trust.ts";
import type { Current } from "#publish/current.ts";
import { hashedDevices } from "#publish/devices.ts";
import { proposeGroupPolicy, proposePolicy } from "#publish/propose-policy.ts";
import { looksLikeProposal, maxProposal, parseProposal, type Proposal } from "#publish/proposal-file.ts";
import { limits } from "#trust/limits.ts";

/** `edict policy sign POLICY` begins a proposal; `edict policy sign PROPOSAL` adds the next signature to one. */
export const command: Command = {
  arguments: ["<file>"],
  options: [
    ...placeOptions,
    ["--group <name>", "the policy of a department, instead of everybody's"],
    ["--catalog <dir>", "a folder of tools, one JSON file each (default: the catalog in force, else the shipped one)"],
    ["--devices <file>", "which devices are in which group, JSON"],
    ...signingOptions,
  ],
  run: (input, io) =>
    withCodes(async () => {
      if (!given(input, "dryRun")) neededOption(input, "key", "--key");
      const file = resolve(io.cwd, input.args[0] ?? "");
      const bytes = await readInput(file, maxProposal);
      const isProposal = looksLikeProposal(bytes);
      // Before the network is asked: what is no policy needs no comparing.
      if (!isProposal && textOption(input, "group") === undefined) parsePolicy(bytes);
      const base = await repositoryBase(input, io);
      const proposal = isProposal ? parseProposal(bytes) : await proposalFor(bytes, base, input, io);
      return showAndSign({ proposal, base, out: outOf(input, io, isProposal ? file : "proposal.json") }, input, io);
    }),
};

async function proposalFor(policy: Uint8Array, { current }: RepositoryBase, input: Input, io: Io): Promise<Proposal> {
  const now = io.clock.now();
  const group = textOption(input, "group");
  if (group !== undefined) {
    parseGroupPolicy(policy, groupName(group));
    return proposeGroupPolicy(group, policy, current, now);
  }
  const written = await fileOption(input, io, "devices", limits.devices);
  const devices = written && hashedDevices(written);
  return proposePolicy({ policy, catalog: await catalogFor(input, io, current), devices }, current, now);
}

/** The folder's tools, else what is in force, else what was shipped. */
async function catalogFor(input: Input, io: Io, current: Current): Promise<Uint8Array> {
  if (textOption(input, "catalog") === undefined && current.catalog !== undefined) return current.catalog;
  return Buffer.from(JSON.stringify(await catalogOf(input, io)));
}
