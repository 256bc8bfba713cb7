import { resolve } from "node:path";
import { HttpClient, RequestError } from "#lib/request.ts";
import { CommandError, textOption, type Command, type Input } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { fileOption, neededOption, readInput, withCodes } from "#cli/trust.ts";
import { maxProposal, parseProposal, publishProposal } from "#publish/proposal.ts";

export const command: Command = {
  arguments: ["<proposal>"],
  options: [
    ["--server <url>", "the server to push to"],
    ["--ca <file>", "the server's certificate authority, PEM"],
    ["--repo <dir>", "or a repository on this machine"],
    ["--keys-dir <dir>", "with --repo: the folder of the server's own keys"],
    ["--json", "print JSON"],
  ],
  run: (input, io) =>
    withCodes(async () => {
      const file = resolve(io.cwd, input.args[0] ?? "");
      const bytes = await readInput(file, maxProposal);
      const proposal = parseProposal(bytes);
      const server = textOption(input, "server");
      if (server !== undefined) {
        io.out(`${await send(server, bytes, input)}\n`);
        return exitCodes.ok[0];
      }
      const dir = resolve(io.cwd, neededOption(input, "repo", "--server URL or --repo DIR"));
      const keysDir = resolve(io.cwd, neededOption(input, "keysDir", "--keys-dir"));
      const released = await publishProposal({ dir, keysDir, proposal, clock: io.clock });
      if (input.options["json"] === true) io.out(`${JSON.stringify(released)}\n`);
      else io.out(`policy version ${released.targets} is in force (timestamp ${released.timestamp})\n`);
      return exitCodes.ok[0];
    }),
};

/** The server's answer, without anything that could steer a terminal. */
async function send(server: string, body: Buffer, input: Input): Promise<string> {
  const ca = await fileOption(input, "ca", 1024 * 1024);
  const http = new HttpClient({ ca: ca?.toString() });
  try {
    const address = `${server.replace(/\/+$/, "")}/api/v1/proposals`;
    const headers = { "content-type": "application/json" };
    const timeoutMs = 60_000 + body.length / 32;
    const reply = await http.request(address, { method: "POST", body, headers, maxBytes: 64 * 1024, timeoutMs });
    const text = reply.bytes
      .toString()
      .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
      .trim();
    if (reply.status >= 200 && reply.status < 300) return text;
    throw new CommandError(exitCodes.noServer[0], `${server} refused it with status ${reply.status}: ${text}`);
  } catch (error) {
    if (error instanceof RequestError) throw new CommandError(exitCodes.noServer[0], error.message);
    throw error;
  } finally {
    http.close();
  }
}
