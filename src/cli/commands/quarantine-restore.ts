import { CommandError, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { folderOption, quarantineFolder } from "#cli/quarantine-folder.ts";
import { clean } from "#lib/pure/text.ts";
import { selectPlatform } from "#platform/select.ts";

export const command: Command = {
  arguments: ["<id>"],
  options: [folderOption, ["--json", "print JSON"]],
  run: async (input, io) => {
    const folder = quarantineFolder(input);
    const [id = ""] = input.args;
    if (!/^[0-9a-f-]{1,64}$/.test(id))
      throw new CommandError(exitCodes.usage[0], `"${clean(id, 80)}" is no id: edict quarantine list shows them`);
    const back = await (await selectPlatform()).restore(id, folder);
    io.out(
      input.options["json"] === true
        ? `${JSON.stringify(back)}\n`
        : `It is back at ${clean(back.from, 400)}, and belongs to user ${back.owner} as before.\n`,
    );
    return exitCodes.ok[0];
  },
};
