import { resolve } from "node:path";
import { HttpClient, RequestError } from "#lib/request.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { dryRunOption, folderOf, folderOptions, given, jsonOption } from "#cli/place.ts";
import { printable } from "#cli/printable.ts";
import { fileOption, readInput, withCodes } from "#cli/trust.ts";
import { maxProposal, mergeProposals, parseProposal, proposalBytes, type Proposal } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";
import type { Released } from "#publish/release.ts";

/** Publishes what enough have signed: a policy, a department's, a new root. Copies signed apart are put together. */
export const command: Command = {
  arguments: ["<proposals...>"],
  options: [
    ["--server <url>", "the server to push to"],
    ["--ca <file>", "the server's certificate authority, PEM"],
    ...folderOptions,
    dryRunOption,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const proposal = await readProposals(input.args, io);
      const server = textOption(input, "server");
      if (server !== undefined) {
        if (given(input, "dryRun"))
          throw new CommandError(
            exitCodes.usage[0],
            "--dry-run is for a folder: a server tells only when it is asked to publish",
          );
        io.out(`${await send(server, proposalBytes(proposal), input, io)}\n`);
        return exitCodes.ok[0];
      }
      const released = await publishProposal({ ...folderOf(input, io), proposal, dryRun: given(input, "dryRun") });
      report(proposal, released, input, io);
      return exitCodes.ok[0];
    }),
};

/** One proposal, or several copies of one with different signatures. @throws PublishError PROPOSAL; CommandError */
export async function readProposals(files: readonly string[], io: Io): Promise<Proposal> {
  const read = async (file: string): Promise<Proposal> =>
    parseProposal(await readInput(resolve(io.cwd, file), maxProposal));
  const [first = "", ...rest] = files;
  return mergeProposals(await read(first), ...(await Promise.all(rest.map(read))));
}

/** What is in force now. */
export function report({ roles, files }: Proposal, released: Released, input: Input, io: Io): void {
  const dryRun = given(input, "dryRun");
  if (given(input, "json")) return io.out(`${JSON.stringify({ ...released, ...(dryRun && { dryRun }) })}\n`);
  const now = dryRun ? "would be in force: nothing was written" : "is in force";
  if (released.root !== undefined) io.out(`root version ${released.root} ${now}\n`);
  const what = "policy.json" in files ? "policy" : "targets";
  if ("targets" in roles) io.out(`${what} version ${released.targets} ${now} (timestamp ${released.timestamp})\n`);
  for (const role of Object.keys(roles)) if (role.startsWith("group-")) io.out(`the policy of ${role} ${now}\n`);
}

/** The server's answer, without anything that could steer a terminal. */
async function send(server: string, body: Buffer, input: Input, io: Io): Promise<string> {
  const ca = await fileOption(input, io, "ca", 1024 * 1024);
  const http = new HttpClient({ ca: ca?.toString() });
  try {
    const address = `${server.replace(/\/+$/, "")}/api/v1/proposals`;
    const headers = { "content-type": "application/json" };
    const timeoutMs = 60_000 + body.length / 32;
    const reply = await http.request(address, { method: "POST", body, headers, maxBytes: 64 * 1024, timeoutMs });
    const text = printable(reply.bytes.toString());
    if (reply.status >= 200 && reply.status < 300) return text;
    throw new CommandError(exitCodes.noServer[0], `${server} refused it with status ${reply.status}: ${text}`);
  } catch (error) {
    if (error instanceof RequestError) throw new CommandError(exitCodes.noServer[0], error.message);
    throw error;
  } finally {
    http.close();
  }
}
