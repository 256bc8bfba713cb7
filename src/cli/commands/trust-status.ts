import { formatInstant, type Instant } from "#lib/pure/instant.ts";
import type { Command, Input, Io } from "#cli/command.ts";
import { exitCodes, type ExitCode } from "#cli/exit-codes.ts";
import { given, jsonOption, neededPlace, placeOptions } from "#cli/place.ts";
import { printable } from "#cli/printable.ts";
import { withCodes } from "#cli/trust.ts";
import { readRoles } from "#publish/current.ts";
import { prometheus, statusOf, type RoleStatus } from "#publish/status.ts";
import { TrustError } from "#trust/error.ts";

/** Every role of a repository as a device sees it: 0 · 1 where one has less than half of its life left · 6 where one expired. */
export const command: Command = {
  options: [...placeOptions, jsonOption, ["--prometheus", "print metrics in Prometheus's text format"]],
  run: (input, io) =>
    withCodes(async () => {
      const now = io.clock.now();
      const roles = statusOf(await lookAt(input, io), now);
      if (given(input, "json")) io.out(`${JSON.stringify({ roles: roles.map((role) => json(role, now)) })}\n`);
      else if (given(input, "prometheus")) io.out(prometheus(roles));
      else for (const line of words(roles, now)) io.out(`${line}\n`);
      return codeOf(roles);
    }),
};

/** A collector is told that nothing verifies, and not only that nothing came. */
async function lookAt(input: Input, io: Io): ReturnType<typeof readRoles> {
  const address = await neededPlace(input, io);
  try {
    return await readRoles(address);
  } catch (error) {
    if (error instanceof TrustError && given(input, "prometheus")) io.out(prometheus(undefined));
    throw error;
  }
}

function codeOf(roles: readonly RoleStatus[]): ExitCode {
  if (roles.some(({ signed }) => signed?.expired)) return exitCodes.untrusted[0];
  return roles.some(({ signed }) => signed?.half) ? exitCodes.failed[0] : exitCodes.ok[0];
}

function words(roles: readonly RoleStatus[], now: Instant): readonly string[] {
  const width = Math.max(...roles.map(({ role }) => printable(role).length));
  const rows = roles.map(({ role, keyids: { length: keys }, threshold, signed }) => {
    const whose = `${printable(role).padEnd(width)}  ${threshold} of ${keys} ${keys === 1 ? "key " : "keys"}`;
    if (signed === undefined) return `${whose}  nothing was signed yet`;
    const { version, signatures, expires, expired, half } = signed;
    const left = expired ? "EXPIRED" : `${days(expires - now)} days left${half ? ", LESS THAN HALF" : ""}`;
    return `${whose}  version ${String(version).padEnd(5)} ${signatures} signed  until ${formatInstant(expires)}  ${left}`;
  });
  if (!roles.some(({ signed }) => signed?.half)) return rows;
  const lives = roles.flatMap(({ role, lifeMs, signed }) => (signed?.half === true ? [`${role} ${days(lifeMs)}`] : []));
  return [
    ...rows,
    `half of the days that a role is signed for: ${lives.join(", ")}; docs/trust.md says how each is renewed`,
  ];
}

function json({ role, keyids, threshold, signed, lifeMs }: RoleStatus, now: Instant): object {
  const about = { role, keys: keyids.length, keyids, threshold, lifeDays: days(lifeMs) };
  if (signed === undefined) return { ...about, version: null };
  const { version, signatures, expires, expired, half } = signed;
  return {
    ...about,
    version,
    signatures,
    expires: formatInstant(expires),
    daysLeft: days(expires - now),
    expired,
    lessThanHalf: half,
  };
}

function days(ms: number): number {
  return Math.floor(ms / 86_400_000);
}
