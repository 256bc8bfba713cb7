import { CommandError, textOption, type Command } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";

export const command: Command = {
  arguments: ["<ban>"],
  options: [
    ["--reason <text>", "why you need it; your administrator reads this"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [ban = ""] = input.args;
    const reason = textOption(input, "reason");
    if (reason === undefined) throw new CommandError(exitCodes.usage[0], 'say why: --reason "…"');
    const answer = await ask({ ask: "request", ban, reason }, io);
    if (input.options["json"] === true) io.out(`${JSON.stringify(answer)}\n`);
    else io.out(`Your request for an exception from "${ban}" is on its way to the people who decide.\n`);
    return exitCodes.ok[0];
  },
};
