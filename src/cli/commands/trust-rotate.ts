import { resolve } from "node:path";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { commaList, countOption, placeOptions } from "#cli/place.ts";
import { outOf, repositoryBase, showAndSign, signingOptions } from "#cli/signing.ts";
import { neededOption, withCodes } from "#cli/trust.ts";
import { isUrl, type Current } from "#publish/current.ts";
import { loadPublicKey } from "#publish/keys.ts";
import { isOfflineRole } from "#publish/names.ts";
import { newOnlineKey, onlineRoles, type NewOnlineKey } from "#publish/online-keys.ts";
import { proposeRotation, type KeyChange } from "#publish/rotate.ts";
import { versionAfter } from "#publish/versions.ts";

/** Other keys, or another threshold: after a loss or a theft, or when somebody comes or leaves. */
export const command: Command = {
  arguments: ["<roles...>"],
  options: [
    ...placeOptions,
    ["--add <files>", "NAME.pub of each who may sign from now on, separated by commas"],
    ["--remove <ids>", "key ids, or their first digits, of each who may sign no longer, separated by commas"],
    ["--threshold <n>", "how many have to sign (default: as many as before)"],
    ["--keys-dir <dir>", "for snapshot, timestamp and exceptions: where the server's new keys are made"],
    ...signingOptions,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const roles = [...new Set(input.args)];
      const made = onlineRoles
        .filter((role) => roles.includes(role))
        .map((role) => [role, newOnlineKey(role)] as const);
      const keysDir = made.length === 0 ? "" : resolve(io.cwd, neededOption(input, "keysDir", "--keys-dir"));
      const base = await repositoryBase(input, io);
      const { current } = base;
      const changes = new Map<string, KeyChange>(await offlineChange(roles, input, io));
      for (const [role, key] of made) changes.set(role, inPlaceOf(keyidsOf(role, current), key));
      const begin = beginning(roles, input, io);
      const proposal = await proposeRotation({ current, now: io.clock.now(), changes, begin });
      const prepare = async (): Promise<void> => {
        for (const [, key] of made) await key.save(keysDir);
      };
      return showAndSign({ proposal, base, out: outOf(input, io, "proposal.json"), prepare }, input, io);
    }),
};

/** What changes of the one role that people sign, where one is named. @throws CommandError; PublishError KEY */
async function offlineChange(
  roles: readonly string[],
  input: Input,
  io: Io,
): Promise<readonly (readonly [string, KeyChange])[]> {
  const add = await Promise.all(commaList(input, "add").map((file) => loadPublicKey(resolve(io.cwd, file))));
  const remove = commaList(input, "remove");
  const threshold = countOption(input, "threshold", "--threshold");
  const unknown = roles.find((role) => !isOfflineRole(role) && !onlineRoles.some((online) => online === role));
  if (unknown !== undefined) throw new CommandError(exitCodes.usage[0], `there is no role ${unknown}`);
  const [role, another] = roles.filter(isOfflineRole);
  const nothing = add.length + remove.length === 0 && threshold === undefined;
  if (another !== undefined)
    throw new CommandError(exitCodes.usage[0], `--add and --remove are for one role at a time: ${role}, or ${another}`);
  if (nothing !== (role === undefined))
    throw new CommandError(
      exitCodes.usage[0],
      nothing
        ? "say what changes: --add, --remove or --threshold"
        : "--add, --remove and --threshold are for root, targets or a department; the server makes its own keys",
    );
  return role === undefined ? [] : [[role, { add, remove, threshold }]];
}

function keyidsOf(role: (typeof onlineRoles)[number], { set, targets }: Current): readonly string[] {
  if (role !== "exceptions") return set.root.roles[role].keyids;
  return targets.delegations?.roles.get(role)?.keyids ?? [];
}

function inPlaceOf(former: readonly string[], { key }: NewOnlineKey): KeyChange {
  return { add: [key], remove: former, threshold: 1 };
}

/** A number that was pushed up is counted anew only where the files lie, and with keys that make clients forget it. */
function beginning(
  roles: readonly string[],
  input: Input,
  io: Io,
): (role: string, version: number) => Promise<number | undefined> {
  const place = textOption(input, "repo");
  const forgets = roles.includes("snapshot") || roles.includes("timestamp");
  if (place === undefined || isUrl(place) || !forgets) return () => Promise.resolve(undefined);
  return (role, version) => versionAfter(version, role, resolve(io.cwd, place), true);
}
