import { basename, resolve } from "node:path";
import { writeAtomic } from "#lib/atomic-file.ts";
import type { Policy } from "#policy/ban.ts";
import { diff } from "#policy/diff.ts";
import { lint } from "#policy/lint.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { pathText } from "#policy/problem.ts";
import type { Catalog } from "#policy/tool.ts";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { confirmed, passphraseFor, passphraseOptions } from "#cli/terminal.ts";
import { fileOption, neededOption, readInput, withCodes } from "#cli/trust.ts";
import { isUrl, readRepository, type Current } from "#publish/current.ts";
import { loadKey } from "#publish/keys.ts";
import { signPolicy } from "#publish/proposal.ts";
import { limits } from "#trust/limits.ts";

export const command: Command = {
  arguments: ["<policy>"],
  options: [
    ["--repo <place>", "the repository: a folder, or the URL it is served under"],
    ["--key <file>", "the key that signs"],
    ["--root <file>", "the root one trusts; needed where --repo is a URL"],
    ["--ca <file>", "the server's certificate authority, PEM"],
    ["--catalog <dir>", "a folder of tools, one JSON file each (default: the catalog in force, else the shipped one)"],
    ["--out <file>", "where the proposal goes (default: proposal.json)"],
    ["--yes", "do not ask"],
    ...passphraseOptions,
    ["--json", "print JSON"],
  ],
  run: (input, io) =>
    withCodes(async () => {
      const policy = await readInput(resolve(io.cwd, input.args[0] ?? ""), limits.policy);
      const parsed = parsePolicy(policy);
      const place = neededOption(input, "repo", "--repo");
      const repo = isUrl(place) ? place : resolve(io.cwd, place);
      const [root, ca] = [await fileOption(input, "root", limits.root), await fileOption(input, "ca", 1024 * 1024)];
      if (isUrl(repo) && root === undefined)
        throw new CommandError(
          exitCodes.usage[0],
          "--root FILE is missing: a server cannot vouch for itself; it is the root.json that devices are installed with",
        );
      const address = { repo, root, ca: ca?.toString(), clock: io.clock };
      const current = await readRepository(address);
      const catalog = await catalogFor(input, io, current);
      say(parsed, parseCatalog(catalog), current, io);
      if (input.options["yes"] !== true && !(await confirmed("Sign it?", io))) {
        io.err("nothing was signed\n");
        return exitCodes.failed[0];
      }
      const keyFile = resolve(io.cwd, neededOption(input, "key", "--key"));
      const key = await loadKey(keyFile, await passphraseFor(basename(keyFile), input, io));
      const proposal = await signPolicy({ ...address, policy, catalog, key });
      const out = resolve(io.cwd, textOption(input, "out") ?? "proposal.json");
      await writeAtomic(out, Buffer.from(`${JSON.stringify(proposal)}\n`), 0o644);
      if (input.options["json"] === true)
        io.out(`${JSON.stringify({ proposal: out, version: current.targets.version + 1 })}\n`);
      else
        io.out(
          `${out}: version ${current.targets.version + 1}, signed by ${key.keyid.slice(0, 16)}…; now: edict policy push\n`,
        );
      return exitCodes.ok[0];
    }),
};

/** What would change, and what will hurt, in words. @throws PolicyError where no device could enforce it */
function say(policy: Policy, catalog: Catalog, current: Current, io: Io): void {
  if (current.policy === undefined) io.err(`no policy is in force yet; this one has ${policy.bans.length} bans\n`);
  else {
    const changes = diff(parsePolicy(current.policy, { newer: "tolerate" }), policy);
    io.err(
      `version ${current.targets.version} is in force; ${changes.length === 0 ? "this one says the same" : "this would change"}\n`,
    );
    for (const { text } of changes) io.err(`  ${text}\n`);
  }
  for (const { path, text } of lint(policy, catalog, { at: io.clock.now() }))
    io.err(`  warning: ${pathText(path)}: ${text}\n`);
}

/** The folder's tools, else what is in force, else what was shipped. */
async function catalogFor(input: Input, io: Io, current: Current): Promise<Uint8Array> {
  if (textOption(input, "catalog") === undefined && current.catalog !== undefined) return current.catalog;
  return Buffer.from(JSON.stringify(await catalogOf(input, io)));
}
