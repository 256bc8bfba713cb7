import { CommandError, type Command, type Input } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { dryRunOption, folderOf, folderOptions, given, jsonOption } from "#cli/place.ts";
import { neededOption, withCodes } from "#cli/trust.ts";
import { parseInstant, type Instant } from "#lib/pure/instant.ts";
import { deviceHashSchema } from "#policy/text.ts";
import { grantException } from "#publish/exceptions.ts";

/** One device may use what a ban forbids, for as long as the ban allows. */
export const command: Command = {
  arguments: ["<ban>"],
  options: [
    ["--device <id>", "the device's id, as the console and edict status show it"],
    ["--until <instant>", "with its offset: 2026-08-01T00:00:00Z"],
    ...folderOptions,
    dryRunOption,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const [ban = ""] = input.args;
      const device = deviceOf(neededOption(input, "device", "--device"));
      const until = instantOption(input);
      const dryRun = given(input, "dryRun");
      const { grant, released } = await grantException({ ...folderOf(input, io), ban, device, until, dryRun });
      if (given(input, "json")) io.out(`${JSON.stringify({ ...grant, ...released })}\n`);
      else
        io.out(
          `device ${device} ${dryRun ? "would be" : "is"} free from ${ban} until ${grant.until}; first granted ${grant.granted}\n` +
            (dryRun ? "nothing was written: --dry-run\n" : ""),
        );
      return exitCodes.ok[0];
    }),
};

/** @throws CommandError */
export function deviceOf(id: string): string {
  if (deviceHashSchema.safeParse(id).success) return id;
  throw new CommandError(exitCodes.usage[0], `--device ${id} is no device's id: it has 64 hexadecimal digits`);
}

function instantOption(input: Input): Instant {
  const text = neededOption(input, "until", "--until");
  try {
    return parseInstant(text);
  } catch {
    throw new CommandError(
      exitCodes.usage[0],
      `--until ${text} is no instant with its offset, such as 2026-08-01T00:00:00Z`,
    );
  }
}
