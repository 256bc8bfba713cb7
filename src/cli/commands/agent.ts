import { resolve } from "node:path";
import { ConfigError, loadConfig, placesFor } from "#agent/config.ts";
import { runAgent } from "#agent/main.ts";
import { CommandError, textOption, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { goFirst } from "#platform/priority.ts";

export const command: Command = {
  options: [
    ["--config <file>", "read this file instead of the machine's own configuration"],
    ["--once", "pull the policy, look at everything once, and end"],
  ],
  run: async (input, io) => {
    const places = placesFor(process.getuid?.() ?? 0, io.env);
    const file = textOption(input, "config");
    let config;
    try {
      config = loadConfig(file === undefined ? places : { ...places, files: [resolve(io.cwd, file)], named: true });
    } catch (error) {
      if (error instanceof ConfigError)
        throw new CommandError(exitCodes.usage[0], `the configuration has errors:\n${error.message}`);
      throw error;
    }
    const once = input.options["once"] === true;
    if (!once) goFirst();
    await runAgent(config, { clock: io.clock, console: true, once }, io.signal);
    return exitCodes.ok[0];
  },
};
