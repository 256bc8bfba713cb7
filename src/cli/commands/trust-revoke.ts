import { CommandError, textOption, type Command } from "#cli/command.ts";
import { deviceOf } from "#cli/commands/trust-grant.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { dryRunOption, folderOf, folderOptions, given, jsonOption } from "#cli/place.ts";
import { withCodes } from "#cli/trust.ts";
import { withdrawExceptions } from "#publish/exceptions.ts";

/** Takes exceptions back: one, a device's, a ban's, or after a theft all of them. */
export const command: Command = {
  arguments: ["[ban]"],
  options: [
    ["--device <id>", "the device's id, as the console and edict status show it"],
    ["--all", "of every device, or from every ban"],
    ...folderOptions,
    dryRunOption,
    jsonOption,
  ],
  run: (input, io) =>
    withCodes(async () => {
      const [ban] = input.args;
      const id = textOption(input, "device");
      const device = id === undefined ? undefined : deviceOf(id);
      if ((ban === undefined || device === undefined) !== given(input, "all"))
        throw new CommandError(
          exitCodes.usage[0],
          "say from which BAN and of which --device, or --all in the place of either",
        );
      const dryRun = given(input, "dryRun");
      const { withdrawn, released } = await withdrawExceptions({ ...folderOf(input, io), ban, device, dryRun });
      if (given(input, "json")) io.out(`${JSON.stringify({ withdrawn, ...released })}\n`);
      else
        io.out(
          `${withdrawn} ${withdrawn === 1 ? "exception" : "exceptions"} ${dryRun ? "would be withdrawn: nothing was written" : "withdrawn"}\n`,
        );
      return exitCodes.ok[0];
    }),
};
