import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { jsonOption, neededPlace, placeOptions } from "#cli/place.ts";
import { withCodes } from "#cli/trust.ts";
import { readRoles } from "#publish/current.ts";
import { topRoles } from "#trust/metadata.ts";

export const command: Command = {
  options: [...placeOptions, jsonOption],
  run: (input, io) =>
    withCodes(async () => {
      const updated = await readRoles(await neededPlace(input, io));
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
