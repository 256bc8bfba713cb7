import { resolve } from "node:path";
import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import { textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { fileOption, neededOption, withCodes } from "#cli/trust.ts";
import { readRoles, type RepositoryAddress } from "#publish/current.ts";
import { limits } from "#trust/limits.ts";
import { topRoles } from "#trust/metadata.ts";

export const command: Command = {
  options: [
    ["--repo <dir>", "a repository on this machine"],
    ["--server <url>", "or a server, as seen from outside"],
    ["--root <file>", "the root one trusts; needed with --server"],
    ["--ca <file>", "the server's certificate authority, PEM"],
    ["--json", "print JSON"],
  ],
  run: (input, io) =>
    withCodes(async () => {
      const updated = await readRoles(await address(input, io));
      const now = io.clock.now();
      const rows = topRoles.map((name) => {
        const metadata = name === "root" ? updated.set.root : updated[name];
        const { keyids, threshold } = updated.set.root.roles[name];
        const expires: Instant = metadata.expires;
        return {
          role: name,
          version: metadata.version,
          keys: keyids.length,
          threshold,
          signatures: metadata.signatures.size,
          expires: formatInstant(expires),
          daysLeft: Math.floor((expires - now) / 86_400_000),
          expired: expires <= now,
        };
      });
      if (input.options["json"] === true) io.out(`${JSON.stringify({ roles: rows })}\n`);
      else
        for (const row of rows)
          io.out(
            `${row.role.padEnd(10)} version ${String(row.version).padEnd(6)} ${row.threshold} of ${row.keys} keys, ` +
              `${row.signatures} signed   ${row.expired ? "EXPIRED" : "until"} ${row.expires}\n`,
          );
      return rows.some((row) => row.expired) ? exitCodes.untrusted[0] : exitCodes.ok[0];
    }),
};

async function address(input: Input, io: Io): Promise<RepositoryAddress> {
  const server = textOption(input, "server");
  const ca = await fileOption(input, "ca", 1024 * 1024);
  const root = await fileOption(input, "root", limits.root);
  const repo =
    server === undefined
      ? resolve(io.cwd, neededOption(input, "repo", "--repo DIR or --server URL"))
      : `${server.replace(/\/+$/, "")}/repo/`;
  return { repo, root, ca: ca?.toString(), clock: io.clock };
}
