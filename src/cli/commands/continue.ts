import { z } from "zod";
import { CommandError, textOption, type Command } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";

const answerSchema = z.object({ until: z.string() });

export const command: Command = {
  arguments: ["<ban>"],
  options: [
    ["--reason <text>", "why you go on; it is recorded"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [ban = ""] = input.args;
    const reason = textOption(input, "reason");
    if (reason === undefined) throw new CommandError(exitCodes.usage[0], 'say why: --reason "…"');
    const { until } = answerSchema.parse(await ask({ ask: "continue", ban, reason }, io));
    io.out(input.options["json"] === true ? `${JSON.stringify({ ban, until })}\n` : `You may use it until ${until}.\n`);
    return exitCodes.ok[0];
  },
};
